import { parseArgs } from 'node:util';
import { runFuzz } from './fuzz.ts';
import { runKills } from './kills.ts';

/**
 * `npm run campaign [-- --kills N] [-- --fuzz N] [-- --seed N]`: what takes too long for `npm test`. Each part prints what it did and
 * throws at the first broken promise, so the exit status tells.
 */
const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    fuzz: { type: 'string', default: '200000' },
    seed: { type: 'string', default: '20261123' },
  },
});

await runFuzz(Number(values.fuzz), Number(values.seed));
await runKills(Number(values.kills));
console.log('campaign: every promise held');
