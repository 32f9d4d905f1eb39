import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { SignedText } from '../access/principal.ts';
import type { OperatorPrices } from '../accounting/operator-prices.ts';
import type { JsonObject } from '../core/json.ts';
import { rawPublicKey, signText } from '../core/signing.ts';
import type { IncomingCall } from '../ipc/peer.ts';
import { createLogger } from '../telemetry/log.ts';
import { KEPT_PRICES } from './kept-texts.ts';
import { SignedKeeper } from './signed-keeper.ts';

const vault = () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const sign = (version: number, more: object = {}): SignedText =>
    signText(
      privateKey,
      'snapshot',
      JSON.stringify({
        kind: 'prices',
        version,
        entries: [{ model: 'm', rates: { input: version } }],
        discounts: [],
        margins: [],
        ...more,
      }),
    );
  return { facts: { verifyKey: rawPublicKey(privateKey) }, sign };
};

function folderOf(t: TestContext): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bulkhead-prices-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  return folder;
}

interface Keeper {
  readonly keeper: SignedKeeper<OperatorPrices>;
  readonly used: OperatorPrices[];
  /** Tells what the caller was answered; undefined: nothing yet. */
  readonly apply: (prices: unknown) => { readonly told: JsonObject | string | undefined };
}

function keeperIn(folder: string): Keeper {
  const used: OperatorPrices[] = [];
  const keeper = new SignedKeeper(KEPT_PRICES, {
    folder,
    log: createLogger({ role: 'ledger', index: 0, write: (_, done) => done(null) }),
    onLoaded: () => undefined,
    onApplied: (prices) => void used.push(prices),
  });
  const apply: Keeper['apply'] = (prices) => {
    const answer: { told: JsonObject | string | undefined } = { told: undefined };
    const fail = (error: unknown): string => (answer.told = (error as { readonly code: string }).code);
    const reply = (head: JsonObject): void => void (answer.told = head);
    const error = (code: string): void => void (answer.told = code);
    keeper.apply({ head: { op: 'prices.apply', prices }, reply, error, fail } as unknown as IncomingCall);
    return answer;
  };
  return { keeper, used, apply };
}

describe('prices that the ledger keeps', () => {
  it('are used, stored, and there again after a start', (t) => {
    const folder = folderOf(t);
    const { facts, sign } = vault();
    const { keeper, used, apply } = keeperIn(folder);
    keeper.onVault(facts);
    assert.deepEqual(apply(sign(3)).told, { version: 3 });
    assert.deepEqual(
      used.map(({ entries }) => entries[0]?.rates),
      [{ input: 3 }],
    );
    const loaded = keeperIn(folder).keeper.load();
    assert.deepEqual([loaded?.version, loaded?.entries[0]?.rates], [3, { input: 3 }]);
  });

  it('wait for the vault’s key', () => {
    const { facts, sign } = vault();
    const { keeper, apply } = keeperIn(os.tmpdir());
    const early = apply(sign(1, { entries: 7 }));
    assert.equal(early.told, undefined);
    keeper.onVault(facts);
    assert.equal(early.told, 'invalid_field');
  });

  it('are refused when they are older, another’s, changed, or no table', (t) => {
    const { facts, sign } = vault();
    const { keeper, used, apply } = keeperIn(folderOf(t));
    keeper.onVault(facts);
    apply(sign(5));
    const { text, signature } = sign(6);
    for (const [prices, code] of [
      [sign(4), 'permission_denied'],
      [vault().sign(6), 'permission_denied'],
      [{ text: text.replace('"input":6', '"input":0'), signature }, 'permission_denied'],
      [sign(6, { kind: 'policy' }), 'invalid_field'],
      [{ text }, 'invalid_field'],
      [null, 'invalid_field'],
    ] as const) {
      assert.equal(apply(prices).told, code);
    }
    assert.deepEqual([used.length, keeper.version], [1, 5]);
  });

  it('are not believed from a file that was changed', (t) => {
    const folder = folderOf(t);
    const { facts, sign } = vault();
    const { keeper, apply } = keeperIn(folder);
    keeper.onVault(facts);
    apply(sign(3));
    const file = path.join(folder, 'prices.json');
    for (const text of [fs.readFileSync(file, 'utf8').replace('input', 'inptt'), '{', '{}', '{"verifyKey":"x","text":"","signature":""}']) {
      fs.writeFileSync(file, text);
      const { keeper: again } = keeperIn(folder);
      assert.deepEqual([again.load(), again.isDamaged, again.version], [undefined, true, 0]);
    }
  });
});
