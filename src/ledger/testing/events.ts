import { newRequestId, type RequestId } from '../../core/ids.ts';
import { NO_USAGE, type UsageEvent } from '../../core/usage.ts';
import type { EndRecord, StartRecord } from '../call-row.ts';

/** Test code: messages as a correct gateway and a correct vault send them. */

export const someId = (): RequestId => newRequestId(Date.now());

export const usageEvent = (requestId: string, more: Partial<UsageEvent> = {}): UsageEvent =>
  ({
    v: 1,
    requestId,
    attempt: 1,
    proof: 'key',
    key: 'key_a',
    organization: 'org_a',
    team: 'team_a',
    credential: 'openai',
    provider: 'openai',
    alias: 'fast',
    model: 'gpt-4o',
    priceList: 'openai',
    endpoint: '/v1/chat/completions',
    stream: false,
    status: 200,
    outcome: 'ok',
    usage: { ...NO_USAGE, input: 1000, output: 100 },
    estimated: false,
    startedAt: Date.now(),
    latencyMs: 12,
    firstByteMs: 5,
    bytesIn: 900,
    bytesOut: 4000,
    ...more,
  }) as UsageEvent;

/** What `usageEvent` costs: 1000 × 2.5 + 100 × 10 dollars per million. */
export const USUAL_COST = 3_500_000_000n;

export const startRecord = (requestId: string, offset: number, more: Partial<StartRecord> = {}): StartRecord =>
  ({
    k: 'start',
    offset,
    generation: 'v1',
    requestId,
    attempt: 1,
    credential: 'openai',
    organization: 'org_a',
    key: 'key_a',
    at: Date.now(),
    ...more,
  }) as StartRecord;

export const endRecord = (requestId: string, offset: number, more: Partial<EndRecord> = {}): EndRecord =>
  ({
    k: 'end',
    offset,
    generation: 'v1',
    requestId,
    attempt: 1,
    status: 200,
    bytesOut: 4000,
    bytesIn: 900,
    outcome: 'complete',
    at: Date.now(),
    ...more,
  }) as EndRecord;
