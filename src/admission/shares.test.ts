import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { EVERYONE } from '../core/owner.ts';
import type { PriorityShare } from '../core/rules.ts';
import { EngineDesk, limit, policy, request } from './testing/engine-desk.ts';

/** A share of a scarce limit against everyone else, whatever they do. */

const MINUTE = 60_000;
const AMOUNT = 100;
const WHOLE = 40;
const CHOSEN = 'team_a';
const OTHERS = 'team_b';
const share: PriorityShare = { id: 'sha_1', limit: 'lim_1', owner: { kind: 'team', id: CHOSEN }, percent: WHOLE };

let desk: EngineDesk;
let asked = 0;
beforeEach(() => {
  desk = new EngineDesk();
  desk.engine.apply(policy({ limits: [limit({ owner: EVERYONE, measure: 'tokens', amount: AMOUNT })], shares: [share] }));
});

/** True: it was let through. */
function ask(team: string, tokens: number): boolean {
  const wanted = request(`r${++asked}`, { team: team as never, maxInputTokens: tokens, maxOutputTokens: 0 });
  return desk.engine.reserve(`gateway-${asked % 4}`, wanted).ok;
}

describe('the share of a team', () => {
  it('is whole again within a window after it asked, even where what it asked for was refused', () => {
    // Idle: all but a quarter of its share is the others'.
    while (ask(OTHERS, 1));
    assert.equal(ask(CHOSEN, 30), false, 'more than the quarter that was kept');
    for (let passed = 0; passed < MINUTE; passed += 5_000) {
      desk.clock.advance(5_000);
      while (ask(OTHERS, 1));
    }
    assert.equal(ask(CHOSEN, 30), true);
    assert.equal(ask(CHOSEN, WHOLE - 30), true);
    assert.equal(ask(CHOSEN, 1), false);
  });

  it('is nobody else’s while the team asks, and all the rest is', () => {
    ask(CHOSEN, 1);
    let taken = 0;
    while (ask(OTHERS, 1)) taken++;
    assert.equal(taken, AMOUNT - WHOLE);
    assert.equal(ask(CHOSEN, WHOLE - 1), true);
  });

  const act = fc.record({
    team: fc.constantFrom(CHOSEN, OTHERS, OTHERS, OTHERS),
    tokens: fc.constantFrom(1, 5, 10, 20, 39, 40, 60),
    // Never a whole window without a request of the team.
    wait: fc.oneof(fc.constant(0), fc.nat(2_000), fc.nat(20_000)),
  });
  it('is there for it in any history in which it does not fall silent, and the limit holds', () => {
    fc.assert(
      fc.property(fc.array(act, { minLength: 20, maxLength: 150 }), (acts) => {
        desk.open();
        desk.engine.apply(policy({ limits: [limit({ owner: EVERYONE, measure: 'tokens', amount: AMOUNT })], shares: [share] }));
        const log: { team: string; tokens: number; at: number }[] = [];
        const used = (team: string | undefined, window: number): number =>
          log.reduce((sum, one) => sum + (one.at > desk.clock.mono - window && (team ?? one.team) === one.team ? one.tokens : 0), 0);
        for (const { team: chosen, tokens: wanted, wait } of acts) {
          desk.clock.advance(wait);
          for (const [team, tokens] of [[CHOSEN, 1] as const, [chosen, wanted] as const]) {
            const passed = ask(team, tokens);
            // What went by may be free a sixtieth late, never early.
            const late = MINUTE + MINUTE / 60;
            if (passed) {
              assert.ok(used(undefined, MINUTE) + tokens <= AMOUNT, 'more than the limit');
              log.push({ team, tokens, at: desk.clock.mono });
              if (team === OTHERS) assert.ok(used(OTHERS, MINUTE) <= AMOUNT - WHOLE, 'others took of the share');
            } else if (team === CHOSEN) assert.ok(used(CHOSEN, late) + tokens > WHOLE, 'refused what its share has room for');
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
