import type { BulkheadConfig } from '../config/config.ts';

/** Which providers of the configuration are not served now, and why. */
export interface Unserved {
  /** Their credential is bound elsewhere than the configuration says: nothing may go there. */
  readonly leftOut: ReadonlySet<string>;
  /** Built-in ones without a credential: there is nothing to see of them until they get one. */
  readonly asleep: ReadonlySet<string>;
}

export const ALL_SERVED: Unserved = { leftOut: new Set(), asleep: new Set() };

export const asleepIn = (config: BulkheadConfig, credentials: ReadonlySet<string>): ReadonlySet<string> =>
  new Set(config.providers.filter(({ dormant, credential }) => dormant && !credentials.has(credential)).map(({ id }) => id));

/** Whether a credential that came or went changes which providers are served. */
export const concerns = (credential: string, config: BulkheadConfig, { leftOut }: Unserved): boolean =>
  leftOut.size > 0 || config.providers.some((provider) => provider.dormant && provider.credential === credential);
