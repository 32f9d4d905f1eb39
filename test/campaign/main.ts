import { parseArgs } from 'node:util';
import { runControlStopped } from './control-stopped.ts';
import { runCrashes } from './crashes.ts';
import { runFuzz } from './fuzz.ts';
import { ROLES, runKills } from './kills.ts';

/**
 * `npm run campaign -- …`: what takes too long for `npm test`. Each part prints what it did and throws at the first broken promise, so the
 * exit status tells. 0 leaves a part out:
 *
 *     --fuzz N                inputs for the decoders
 *     --kills N               kill -9 of each role of --roles a,b
 *     --crashes N             ends at named points of vault, ledger and gateway; without it all points, or as many as kills where those are few
 *     --control-stopped N     seconds without control, under --rate requests a second
 *     --seed N                what inputs, instances, moments and points are drawn by
 */
const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    roles: { type: 'string', default: ROLES.join(',') },
    fuzz: { type: 'string', default: '200000' },
    crashes: { type: 'string' },
    'control-stopped': { type: 'string', default: '60' },
    rate: { type: 'string', default: '20' },
    seed: { type: 'string', default: '20261123' },
  },
});

/** A short run takes as many points as kills, a long one all of them. */
const crashesFor = (kills: number): number => (kills < 10 ? kills : Infinity);

const seed = Number(values.seed);
console.log(`campaign: seed ${seed}`);
const kills = Number(values.kills);
const roles = values.roles.split(',');
if (values.fuzz !== '0') await runFuzz(Number(values.fuzz), seed);
await runKills(kills, roles, seed);
await runCrashes(values.crashes === undefined ? crashesFor(kills) : Number(values.crashes), roles, seed);
await runControlStopped(Number(values['control-stopped']), Number(values.rate), seed);
console.log('campaign: every promise held');
