import { parseArgs } from 'node:util';
import { runFuzz } from './fuzz.ts';
import { ROLES, runKills } from './kills.ts';

/**
 * `npm run campaign [-- --kills N] [-- --roles gateway,ledger] [-- --fuzz N] [-- --seed N]`: what takes too long for `npm test`. Each part prints what it did and
 * throws at the first broken promise, so the exit status tells.
 */
const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    roles: { type: 'string', default: ROLES.join(',') },
    fuzz: { type: 'string', default: '200000' },
    seed: { type: 'string', default: '20261123' },
  },
});

await runFuzz(Number(values.fuzz), Number(values.seed));
await runKills(Number(values.kills), values.roles.split(','));
console.log('campaign: every promise held');
