import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { currentUser, ordinaryUser, type TestUser } from './ordinary-user.ts';

/** The claims of `npm start -- --check`. */
const CLAIMS = [1, 2, 3, 4, 5, 6, 7, 8, 9];

interface Report {
  readonly verdicts: readonly { readonly claim: number; readonly holds: boolean; readonly evidence: string }[];
  readonly firstMeshedRequestSeconds: number;
}

function check(user: TestUser): Promise<{ code: number | null; report: Report }> {
  const child = user.run('demo/start/main.ts', ['--check', '--output', 'json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout?.on('data', (data: Buffer) => {
    output += data;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      try {
        resolve({ code, report: JSON.parse(output) as Report });
      } catch {
        reject(new Error(`the check ended with ${code} and without a report`));
      }
    });
  });
}

const users: Readonly<Record<string, () => TestUser>> =
  process.getuid?.() === 0
    ? { root: currentUser, 'an ordinary user': ordinaryUser }
    : { 'an ordinary user': currentUser };

for (const [who, make] of Object.entries(users)) {
  describe(`npm start -- --check, as ${who}`, () => {
    let user: TestUser;
    let code: number | null;
    let report: Report;
    before(async () => {
      user = make();
      ({ code, report } = await check(user));
    });
    after(() => user?.end());

    for (const claim of CLAIMS) {
      test(`claim ${claim} holds`, (context) => {
        const verdict = report.verdicts.find((each) => each.claim === claim);
        assert.ok(verdict, `claim ${claim} is not in the report`);
        assert.ok(verdict.holds, verdict.evidence);
        context.diagnostic(verdict.evidence);
      });
    }

    test('exits with 0, after a first meshed request', (context) => {
      assert.equal(code, 0);
      assert.ok(report.firstMeshedRequestSeconds > 0);
      context.diagnostic(`first meshed request after ${report.firstMeshedRequestSeconds} s`);
    });
  });
}
