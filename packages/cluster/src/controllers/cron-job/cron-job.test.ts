import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NOW, template } from '../testing/objects.ts';
import { rfc3339 } from '../time.ts';
import type { CronJob, Job } from '../workload-objects.ts';
import { planCronJob } from './plan.ts';
import { nextTime, readSchedule } from './schedule.ts';

const next = (text: string, after: string, zone?: string): string | undefined => {
  const schedule = readSchedule(text);
  assert.ok(schedule, text);
  const time = nextTime(schedule, Date.parse(after), zone);
  return time === undefined ? undefined : rfc3339(time);
};

describe('schedule', () => {
  it('names the next time', () => {
    const cases: readonly [schedule: string, after: string, expected: string | undefined, zone?: string][] = [
      ['* * * * *', '2030-01-01T00:00:00Z', '2030-01-01T00:01:00Z'],
      ['*/15 * * * *', '2030-01-01T00:16:30Z', '2030-01-01T00:30:00Z'],
      ['0 3 * * *', '2030-01-01T03:00:00Z', '2030-01-02T03:00:00Z'],
      ['30 9-17/4 * * mon-fri', '2030-01-04T17:31:00Z', '2030-01-07T09:30:00Z'],
      ['0 0 29 2 *', '2030-01-01T00:00:00Z', '2032-02-29T00:00:00Z'],
      ['0 0 13 * 5', '2030-01-01T00:00:00Z', '2030-01-04T00:00:00Z'],
      ['0 0 1 jan 7', '2030-01-01T00:00:00Z', '2030-01-06T00:00:00Z'],
      ['0 0 31 2 *', '2030-01-01T00:00:00Z', undefined],
      ['@daily', '2030-01-01T12:00:00Z', '2030-01-02T00:00:00Z'],
      ['0 8 * * *', '2030-07-01T00:00:00Z', '2030-07-01T06:00:00Z', 'Europe/Berlin'],
      ['30 2 * * *', '2030-03-31T00:00:00Z', '2030-04-01T00:30:00Z', 'Europe/Berlin'],
      ['0 9 * * *', '2030-01-01T03:31:00Z', '2030-01-02T03:30:00Z', 'Asia/Kolkata'],
    ];
    for (const [schedule, after, expected, zone] of cases)
      assert.equal(next(schedule, after, zone), expected, `${schedule} after ${after} ${zone ?? ''}`);
  });

  it('is refused when it makes no sense', () => {
    for (const text of [
      '',
      '* * * *',
      '60 * * * *',
      '* 24 * * *',
      '5-1 * * * *',
      '*/0 * * * *',
      'a * * * *',
      '* * 0 * *',
      '1/2/3 * * * *',
    ])
      assert.equal(readSchedule(text), undefined, text);
  });
});

const cron = (spec: Partial<CronJob['spec']> = {}, status: CronJob['status'] = {}): CronJob => ({
  apiVersion: 'batch/v1',
  kind: 'CronJob',
  metadata: { name: 'tick', namespace: 'default', uid: 'cron-uid', creationTimestamp: rfc3339(NOW - 30_000) },
  spec: { schedule: '* * * * *', jobTemplate: { spec: { template: template() } }, ...spec },
  status,
});
const job = (name: string, ended?: 'Complete' | 'Failed', startTime = rfc3339(NOW)): Job => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name, namespace: 'default', uid: `${name}-uid` },
  spec: { template: template() },
  status: {
    startTime,
    ...(ended === undefined ? {} : { conditions: [{ type: ended, status: 'True' }], completionTime: startTime }),
  },
});
const plan = (subject: CronJob, jobs: readonly Job[] = [], nowMs = NOW) => planCronJob({ cron: subject, jobs, nowMs });

describe('CronJob', () => {
  it('makes one job for the newest time that has come, and says when to look again', () => {
    const { create, status, lookAgainAt } = plan(cron());
    assert.equal(create?.metadata.name, `tick-${NOW / 60_000}`);
    assert.equal(status?.lastScheduleTime, '2030-01-01T00:00:00Z');
    assert.equal(lookAgainAt, NOW + 60_000);
    assert.equal(plan(cron({}, { lastScheduleTime: rfc3339(NOW) })).create, undefined);
    const silent = plan(cron({}, { lastScheduleTime: rfc3339(NOW - 400 * 86_400_000) }), [], NOW + 5_000);
    assert.equal(silent.create?.metadata.name, `tick-${NOW / 60_000}`);
  });

  it('keeps to suspension, deadline and concurrency', () => {
    assert.equal(plan(cron({ suspend: true })).create, undefined);
    assert.equal(
      plan(cron({ schedule: '0 * * * *', startingDeadlineSeconds: 10 }), [], NOW + 11_000).create,
      undefined,
    );
    const busy = [job('running')];
    assert.ok(plan(cron(), busy).create);
    const forbidden = plan(cron({ concurrencyPolicy: 'Forbid' }), busy);
    assert.deepEqual([forbidden.create, forbidden.warning?.reason], [undefined, 'JobAlreadyActive']);
    const replaced = plan(cron({ concurrencyPolicy: 'Replace' }), busy);
    assert.deepEqual([replaced.remove, replaced.create === undefined], [busy, false]);
  });

  it('shows active jobs and keeps as much history as it is told', () => {
    const old = ['1', '2', '3', '4'].map((minute) => job(`ok-${minute}`, 'Complete', `2029-12-31T23:0${minute}:00Z`));
    const bad = ['1', '2'].map((minute) => job(`bad-${minute}`, 'Failed', `2029-12-31T23:0${minute}:00Z`));
    const { remove, status } = plan(cron({}, { lastScheduleTime: rfc3339(NOW) }), [...old, ...bad, job('running')]);
    assert.deepEqual(
      remove.map(({ metadata }) => metadata.name),
      ['ok-1', 'bad-1'],
    );
    assert.deepEqual(
      status?.active?.map(({ name }) => name),
      ['running'],
    );
    assert.equal(status?.lastSuccessfulTime, '2029-12-31T23:04:00Z');
  });

  it('warns of a schedule or time zone that makes no sense', () => {
    assert.equal(plan(cron({ schedule: 'often' })).warning?.reason, 'UnparseableSchedule');
    assert.equal(plan(cron({ timeZone: 'Mars/Olympus' })).warning?.reason, 'UnknownTimeZone');
  });
});
