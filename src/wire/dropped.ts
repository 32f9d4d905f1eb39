import type { JsonObject } from '../core/json.ts';
import type { Extensions } from '../canonical/part.ts';
import type { CanonicalRequest, NamedField } from '../canonical/request.ts';
import { ownMembers } from './fields.ts';

const MAX_PATHS = 40;
const MAX_LENGTH = 80;

/** Collects the client's fields that a target cannot express, each path once. */
export class Dropped {
  readonly #paths = new Set<string>();
  readonly #request: CanonicalRequest;
  readonly #target: string;

  constructor(request: CanonicalRequest, target: string) {
    this.#request = request;
    this.#target = target;
  }

  /** Whether the request came in this protocol: then its words mean here what they meant there. */
  sourceIs(protocol: string): boolean {
    return this.#request.source === protocol;
  }

  field(field: NamedField): void {
    this.#paths.add(this.#request.names[field]);
  }

  /** Adds `field` if the client sent it. */
  fieldIf(field: NamedField, sent: unknown): void {
    if (sent !== undefined) this.field(field);
  }

  /** Something inside a message, content part or tool, by the name of its kind. */
  inside(where: 'message' | 'part' | 'tool', name: string): void {
    this.#paths.add(`${this.#request.names[where]}.${name}`);
  }

  /** Names what other protocols said beyond the canonical form; gives back what the target's own did. */
  extensions(extensions: Extensions | undefined, where?: 'message' | 'part' | 'tool'): JsonObject | undefined {
    if (extensions === undefined) return undefined;
    for (const [protocol, { lost }] of Object.entries(extensions)) {
      if (protocol === this.#target) continue;
      for (const name of lost) {
        if (where === undefined) this.#paths.add(name);
        else this.inside(where, name);
      }
    }
    return ownMembers(extensions, this.#target);
  }

  /** Sorted; a client may have made up any number of names of any length, and a header has to hold them. */
  get paths(): readonly string[] {
    const sorted = [...this.#paths]
      .map((path) => (path.length > MAX_LENGTH ? `${path.slice(0, MAX_LENGTH).toWellFormed()}…` : path))
      .sort();
    return sorted.length > MAX_PATHS ? [...sorted.slice(0, MAX_PATHS), '…'] : sorted;
  }
}
