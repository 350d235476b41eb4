/** Prints what a change costs the control plane: `node packages/control-plane/src/distribute/distribution.bench.ts [size]`. */
import { TYPE_URL } from '@osm/envoy';
import { addService, createCity, moveEndpoint } from './testing-city.ts';
import { createDistribution } from './testing-distribution.ts';

const size = Number(process.argv[2] ?? 1000);

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const { objects, proxies } = createCity(size);
const distribution = await createDistribution(proxies);

function measure(what: string, run: () => unknown): void {
  const [cpu, time, encoded] = [cpuMs(), performance.now(), distribution.encoded()];
  const result = run();
  const figures = [
    `${(performance.now() - time).toFixed(1).padStart(9)} ms`,
    `${(cpuMs() - cpu).toFixed(1).padStart(9)} ms CPU`,
    `${String(distribution.encoded() - encoded).padStart(6)} encoded`,
  ];
  print(`  ${what.padEnd(46)} ${figures.join('  ')}${typeof result === 'number' ? `  ${result} sent` : ''}`);
}

print(`permissive mode: ${size} services, ${size} proxies`);
measure('cold: all sets', () => distribution.update(objects));
distribution.subscribe([TYPE_URL.endpoint]);
measure('cold: endpoints to all streams', () => distribution.settle());
for (let round = 1; round <= 5; round++) {
  const moved = moveEndpoint(objects, 7, `10.200.0.${round}`);
  measure(`one endpoint moved, all sets (${round})`, () => distribution.update(moved));
  measure('  to all streams', () => distribution.settle());
}
measure('the same state again', () => distribution.update(moveEndpoint(objects, 7, '10.200.0.5')));
measure('one service more, all sets', () => distribution.update(addService(objects, 3, 'more')));
measure('  to all streams', () => distribution.settle());
print(`  memory: ${Math.round(process.memoryUsage().rss / 1024 / 1024)} MiB`);
