import { connectHere, type DialAnswer } from './pod-dialer.ts';

/** Program of its own, run inside a pod's network namespace by PodDialer: connects where it is and hands the sockets over. */
process.on('message', ({ id, port }: { id: number; port: number }) => {
  connectHere(port).then(
    (socket) => process.send?.({ id } satisfies DialAnswer, socket, { keepOpen: false }, () => undefined),
    (error: Error) => process.send?.({ id, error: error.message } satisfies DialAnswer),
  );
});
process.on('disconnect', () => process.exit(0));
