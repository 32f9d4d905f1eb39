import { EGRESS_ATTEMPTS, NETWORK_ATTEMPTS } from './attempts-network.ts';
import { OWN_ATTEMPTS } from './attempts-own.ts';
import { PROCESS_ATTEMPTS } from './attempts-process.ts';
import { TENANT_ATTEMPTS } from './attempts-tenant.ts';
import type { Attempt } from './world.ts';

/** All ways, in an order in which the later ones may break what the earlier ones need. */
export const ATTACKS: readonly Attempt[] = [
  ...EGRESS_ATTEMPTS,
  ...NETWORK_ATTEMPTS,
  ...TENANT_ATTEMPTS,
  ...OWN_ATTEMPTS,
  ...PROCESS_ATTEMPTS,
];
