import { z } from 'zod';
import type { Permission } from '../access/permissions.ts';

/**
 * How the place is found that a permission is asked for. `platform`: the node itself. `visible`: a list, which shows what the caller may
 * see. `…-named`: what the body or the query names, by default the organization and team `default` where something is made in one,
 * the whole node for `place-named`, oneself for `user-named`. The others: the row that `{id}` names. What a caller may not read does not exist for it.
 */
export type ScopeSource =
  | 'platform'
  | 'visible'
  | 'organization-named'
  | 'team-named'
  | 'place-named'
  | 'user-named'
  | 'owner-named'
  | 'organization'
  | 'team'
  | 'project'
  | 'user'
  | 'member'
  | 'service-account'
  | 'token'
  | 'key'
  | 'rule';

/** One thing that can be asked of the control process. */
export interface Operation {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With `{name}` for a path parameter. */
  readonly path: string;
  readonly summary: string;
  /** `public`: without token. Everything else needs an identity. */
  readonly access: 'admin' | 'public';
  /** What the identity needs; null for what is public. */
  readonly permission: Permission | null;
  readonly scope: ScopeSource;
  readonly query: z.ZodType;
  readonly body: z.ZodType;
  readonly reply: z.ZodType;
  readonly status: 200 | 201;
}

export const nothing = z.strictObject({});

interface Parts<Q, B, R> {
  readonly query?: Q;
  readonly body?: B;
  readonly reply: R;
  readonly status?: 200 | 201;
  /** Default: that of the node itself, which no organization's role has. */
  readonly permission?: Permission;
  readonly scope?: ScopeSource;
}

export const admin = <Q extends z.ZodType = typeof nothing, B extends z.ZodType = typeof nothing, R extends z.ZodType = z.ZodType>(
  method: Operation['method'],
  path: string,
  summary: string,
  parts: Parts<Q, B, R>,
) => ({
  method,
  path: `/admin/v1${path}`,
  summary,
  access: 'admin' as const,
  permission: parts.permission ?? (method === 'GET' ? ('platform.read' as const) : ('platform.write' as const)),
  scope: parts.scope ?? ('platform' as const),
  query: (parts.query ?? nothing) as Q,
  body: (parts.body ?? nothing) as B,
  reply: parts.reply,
  status: parts.status ?? (200 as const),
});

type Row = 'organization' | 'team' | 'project' | 'service-account' | 'user' | 'key' | 'limit' | 'budget';

/** What a list of rows of one kind asks for, and what reading and writing one of them does. `place`: how the row's own is found. */
export const asking = <Name extends Row, Place extends ScopeSource>(name: Name, place: Place) =>
  ({
    list: { permission: `${name}.read`, scope: 'visible' },
    read: { permission: `${name}.read`, scope: place },
    write: { permission: `${name}.write`, scope: place },
  }) as const;

export const open = <R extends z.ZodType>(path: string, summary: string, reply: R) => ({
  method: 'GET' as const,
  path,
  summary,
  access: 'public' as const,
  permission: null,
  scope: 'platform' as const,
  query: nothing,
  body: nothing,
  reply,
  status: 200 as const,
});
