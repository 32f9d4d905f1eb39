import type { JsonObject } from '../../src/core/json.ts';

/** What an attack knows and may try. The attacker is assumed to know everything but the secrets themselves. */
export interface World {
  readonly codeDir: string;
  readonly dataDir: string;
  /** Process that holds the provider key. */
  readonly vaultPid: number;
  readonly vaultUid: number;
  /** Files from which, together, provider keys can be read. */
  readonly secretFiles: readonly string[];
  /** What a provider key looks like, as text of a regular expression. */
  readonly keyPattern: string;
  /** Ends of the attacker outside, where stolen things would arrive. */
  readonly evil: { readonly host: string; readonly http: number; readonly tcp: number; readonly udp: number; readonly abstract: string };
  /** A call to the provider with the stored key, as the process may make it. */
  egress(request: EgressAttempt): Promise<EgressAnswer>;
  /** Whose stored response, which holds something like a provider key, is after. */
  readonly victim: Victim;
  /** What is kept for tenants, as far as the process may ask for it. */
  readonly tenants: TenantDoors;
  /** A call with the process's own connections and what came with live traffic. */
  readonly vault: VaultDoors | null;
}

/** A tenant whose key the attacker has not seen, and a response that is kept for it. */
export interface Victim {
  readonly organization: string;
  readonly team: string;
  readonly response: string;
}

export interface TenantDoors {
  /** The key that seals what is kept for a tenant: asked with the proof of live traffic as it came, or changed to be the victim's. */
  tenantKey(proof: 'own' | 'edited row' | 'other key'): Promise<Buffer>;
  /** The victim's response as it is kept. */
  stored(): Promise<Buffer>;
  /** What was kept, opened with a key. Throws where it is not the right one. */
  open(sealed: Buffer, key: Buffer): string;
}

export interface EgressAttempt {
  readonly method?: string;
  readonly path: string;
  readonly headers?: readonly (readonly [string, string])[];
  /** Changes to the rest of the vault's call. */
  readonly changes?: JsonObject;
}

export interface EgressAnswer {
  readonly status: number;
  /** Everything that came back, headers included. */
  readonly text: string;
}

/** The local sockets of a node. */
export interface VaultDoors {
  /** Folder with one folder of sockets per connecting role. */
  readonly run: string;
  /** Calls the vault on the gateway's own socket. */
  ask(head: JsonObject): Promise<JsonObject>;
  /** Calls through any socket file. */
  askThrough(path: string, head: JsonObject): Promise<JsonObject>;
}

/**
 * What an attempt got. `key`: bytes of a provider key or of the root key. `power`: something from which a key
 * follows, or rights over another process, its files or its messages. `traffic`: a way to carry live traffic out.
 */
export type Gain = 'key' | 'power' | 'traffic' | 'nothing';

export interface Attempt {
  readonly name: string;
  /** Word that the arena sees when the attempt succeeded, where the attacker itself cannot know. */
  readonly mark?: string;
  readonly run: (world: World) => Gain | Promise<Gain>;
}

export interface Outcome {
  readonly name: string;
  readonly gain: Gain;
  /** Why it got nothing. */
  readonly detail: string;
}

/** Only bytes of a key count as one; half a key does not. */
export const holdsKey = (world: World, bytes: Uint8Array | string): boolean => {
  const text = typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('latin1');
  return new RegExp(world.keyPattern).test(text) || new RegExp(world.keyPattern).test(decoded(text));
};

/** The key may come back in base64 (of any alignment) or percent-encoded. */
function decoded(text: string): string {
  const parts = text.match(/[A-Za-z0-9+/_-]{24,}={0,2}/g) ?? [];
  const shifted = parts.flatMap((part) => [0, 1, 2, 3].map((skip) => Buffer.from(part.slice(skip), 'base64').toString('latin1')));
  const percent = text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const hex = (text.match(/(?:[0-9a-f]{2}){20,}/gi) ?? []).map((part) => Buffer.from(part, 'hex').toString('latin1'));
  return [...shifted, percent, ...hex].join('\n');
}

export async function runAll(attempts: readonly Attempt[], world: World): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const { name, run } of attempts) {
    const limit = new Promise<never>((_, reject) => setTimeout(() => reject(new Error('no answer')), 20_000).unref());
    try {
      outcomes.push({ name, gain: await Promise.race([run(world), limit]), detail: '' });
    } catch (error) {
      outcomes.push({
        name,
        gain: 'nothing',
        detail: String((error as NodeJS.ErrnoException).code ?? (error as Error).message).slice(0, 80),
      });
    }
  }
  return outcomes;
}
