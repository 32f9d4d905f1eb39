import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Answer } from '../answer.ts';
import type { Guard } from '../guard.ts';
import { pass, type Admitted, type Translated } from '../steps.ts';
import { inspectAnswer, inspectRequest } from './inspect.ts';

const admitted = pass<Admitted>({ decoded: {} as Admitted['decoded'] });
const answer: Answer = { kind: 'whole', status: 200, headers: [], body: Buffer.from('secret') };
const translated = pass<Translated>({ exchange: {} as Translated['exchange'], answer });

const guard = (name: string, parts: Partial<Guard>): Guard => ({
  name,
  inspectRequest: () => undefined,
  inspectAnswer: (one) => one,
  ...parts,
});

describe('inspect', () => {
  it('without guards lets everything pass', async () => {
    assert.equal((await inspectRequest(admitted, { guards: [] })).decoded, admitted.decoded);
    assert.equal((await inspectAnswer(translated, { guards: [] })).answer, answer);
  });

  it('blocks by the first guard that says so, in its words', async () => {
    const guards = [guard('lenient', {}), guard('strict', { inspectRequest: () => Promise.resolve('it names a secret') })];
    await assert.rejects(
      async () => inspectRequest(admitted, { guards }),
      (error: Error) => error.message === 'Blocked by the guard strict: it names a secret',
    );
  });

  it('a guard that throws blocks, in both directions', async () => {
    const fails = (): never => {
      throw new Error('out of order');
    };
    const guards = [guard('broken', { inspectRequest: fails, inspectAnswer: fails })];
    await assert.rejects(async () => inspectRequest(admitted, { guards }), /out of order/);
    await assert.rejects(async () => inspectAnswer(translated, { guards }), /out of order/);
  });

  it('an answer leaves as the last guard made it', async () => {
    const guards = [guard('mask', { inspectAnswer: (one) => (one.kind === 'whole' ? { ...one, body: Buffer.from('******') } : one) })];
    const cleared = await inspectAnswer(translated, { guards });
    assert.equal(cleared.answer.kind === 'whole' && cleared.answer.body.toString(), '******');
  });
});
