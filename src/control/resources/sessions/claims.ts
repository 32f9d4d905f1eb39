import type { ByClaim, ClaimPath, ClaimRole, IssuerConfig } from '../../../config/config.ts';
import { isJsonObject, type Json, type JsonObject } from '../../../core/json.ts';

/** What a token's claims say of a person, in the words of the configuration. Pure; names are not looked up here. */
export interface Claimed {
  /** Name or id; undefined: none. */
  readonly organization: string | undefined;
  /** Names or ids, in the order of the claim. */
  readonly teams: readonly string[];
  readonly role: ClaimRole | undefined;
  /** Lower case; undefined: none that can be believed. */
  readonly email: string | undefined;
  readonly name: string | undefined;
}

const MAX_VALUES = 256;
const MAX_VALUE_CHARS = 256;
const MAX_NAME_CHARS = 128;
const EMAIL = /^[^\s@<>"',;:\\()[\]]{1,64}@[a-z0-9.-]{1,189}$/;
const RANKED: readonly ClaimRole[] = ['team_admin', 'member', 'viewer'];

export function readClaims({ organization, team, role, email, trustEmail }: IssuerConfig, claims: JsonObject): Claimed {
  return {
    organization: named(organization, claims)[0],
    teams: named(team, claims),
    role: roleOf(role, claims),
    email: emailOf(claims, email, trustEmail),
    name: textOf(claims['name'])
      ?.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '')
      .slice(0, MAX_NAME_CHARS),
  };
}

function named(choice: ByClaim, claims: JsonObject): readonly string[] {
  if ('fixed' in choice) return [choice.fixed];
  const { names } = choice;
  const values = valuesAt(claims, choice.claim);
  if (names === null) return values;
  return values.flatMap((value) => (Object.hasOwn(names, value) ? [names[value] as string] : []));
}

function roleOf(choice: IssuerConfig['role'], claims: JsonObject): ClaimRole | undefined {
  if ('fixed' in choice) return choice.fixed;
  const given = valuesAt(claims, choice.claim).flatMap((value) => (Object.hasOwn(choice.names, value) ? [choice.names[value]] : []));
  return RANKED.find((role) => given.includes(role)) ?? choice.otherwise ?? undefined;
}

/** An address that the issuer did not check would make anyone anyone. */
function emailOf(claims: JsonObject, path: ClaimPath, trusted: boolean): string | undefined {
  const text = textOf(at(claims, path))?.toLowerCase();
  const verified = trusted || claims['email_verified'] === true;
  return verified && text !== undefined && EMAIL.test(text) ? text : undefined;
}

function valuesAt(claims: JsonObject, path: ClaimPath): readonly string[] {
  const value = at(claims, path);
  const list: readonly unknown[] = Array.isArray(value) ? value.slice(0, MAX_VALUES) : [value];
  return list.filter((each): each is string => typeof each === 'string' && each !== '' && each.length <= MAX_VALUE_CHARS);
}

/** Own members only: a claim named `constructor` is none. */
function at(claims: JsonObject, path: ClaimPath): Json | undefined {
  let value: Json | undefined = claims;
  for (const name of path) value = isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  return value;
}

const textOf = (value: Json | undefined): string | undefined =>
  typeof value === 'string' && value !== '' && value.length <= MAX_VALUE_CHARS ? value : undefined;
