import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import type { NodeLink } from '../types.ts';

/** The API server's way into the cluster's network and to the kubelet, through the node's unix socket. */
export function createNodeLink(nodeSocket: string): NodeLink {
  return { kubeletSocket: nodeSocket, dial: (host, port, timeoutMs) => dial(nodeSocket, host, port, timeoutMs) };
}

function dial(socketPath: string, host: string, port: number, timeoutMs: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const query = new URLSearchParams({ host, port: String(port), timeoutMs: String(timeoutMs) });
    const call = request({ socketPath, path: `/dial?${query}`, headers: { Connection: 'Upgrade', Upgrade: 'tcp' } });
    const timer = setTimeout(
      () => call.destroy(new Error(`cannot connect to ${host}:${port}: no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    call.once('upgrade', (_response, socket, head) => {
      clearTimeout(timer);
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    call.once('response', (response) => {
      clearTimeout(timer);
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text = (text + chunk).slice(0, 1000);
      });
      response.once('end', () => reject(new Error(text.trim() || `cannot connect to ${host}:${port}`)));
    });
    call.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    call.end();
  });
}
