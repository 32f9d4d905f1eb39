/** Who a request belongs to, and who a limit, a budget or a row of a report can name. */
export const OWNER_KINDS = ['organization', 'team', 'project', 'key', 'user', 'end_user', 'tag'] as const;
export type OwnerKind = (typeof OWNER_KINDS)[number];

/** `id` is the row's id; for `end_user` and `tag` it is what the client says, within its organization: `<organization>/<text>`. */
export interface OwnerRef {
  readonly kind: OwnerKind;
  readonly id: string;
}

/** The whole node, above all organizations: rules of this owner count every request. A limit on a model as such has this owner and that model. */
export const EVERYONE: OwnerRef = { kind: 'organization', id: '*' };

/** Everyone that a request belongs to. Absent: nobody of that kind. */
export interface Owners {
  readonly organization: string;
  readonly team: string;
  readonly project?: string | undefined;
  readonly key: string;
  readonly user?: string | undefined;
  /** As the client names its own user, at most 256 characters. */
  readonly endUser?: string | undefined;
  /** At most 16, each at most 64 characters. */
  readonly tags?: readonly string[] | undefined;
}

/** `team:team_01…`; the key of maps over owners. */
export const ownerKey = ({ kind, id }: OwnerRef): string => `${kind}:${id}`;
