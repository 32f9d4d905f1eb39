import { Hono } from 'hono';
import type { z } from 'zod';
import { OPERATIONS, type BodyOf, type Operation, type OperationName, type QueryOf, type ReplyOf } from '../../api/operations.ts';
import { BulkheadError } from '../../core/errors.ts';
import type { Authorizer } from '../authorize.ts';
import type { Caller, Known } from '../caller.ts';

/** What a handler gets: everything in it was checked against the operation's schemas. */
interface Asked<Name extends OperationName> {
  /** The `{id}` of the path, decoded; empty where there is none. */
  readonly id: string;
  readonly query: QueryOf<Name>;
  readonly body: BodyOf<Name>;
  /** Who asks; nobody for what is public. */
  readonly by: Caller;
}

/** A reply is the operation's reply, or plain text. */
export type Handlers<Names extends OperationName = OperationName> = {
  readonly [Name in Names]: (asked: Asked<Name>) => Promise<ReplyOf<Name>>;
};

/** What the listener found out about a request before it was routed. */
export interface Received {
  /** Undefined: nobody whose token is right. */
  readonly known: Known | undefined;
  /** Parsed JSON of the body; an empty object where there was none. */
  readonly body: unknown;
}

export interface Routed {
  readonly status: number;
  readonly reply: unknown;
}

/** Who asks for what is public: no permission reaches anything. */
const NOBODY: Caller = { kind: 'user', id: 'nobody', identity: { user: null, grants: [] }, permission: 'catalogue.read', scope: {} };

type Env = { Bindings: Received };

/** Routes requests to handlers. The right to call is checked again here, on the operation that was found. */
export function buildRouter(handlers: Handlers, authorizer: Authorizer): (method: string, url: URL, received: Received) => Promise<Routed> {
  const app = new Hono<Env>();
  const results = new WeakMap<Response, Routed>();
  for (const [name, operation] of Object.entries<Operation>(OPERATIONS)) {
    app.on(operation.method, operation.path.replace(/\{(\w+)\}/g, ':$1'), async (context) => {
      const { known, body } = context.env;
      if (operation.access !== 'public') {
        if (known === undefined) throw new BulkheadError('admin_token_invalid');
        await authorizer.admit(known, name, operation);
      }
      const asked = {
        id: context.req.param('id') ?? '',
        query: check(operation.query, queryOf(new URL(context.req.url))),
        body: check(operation.body, body),
      };
      const handler = handlers[name as OperationName] as (asked: unknown) => Promise<unknown>;
      const by = operation.access === 'public' || known === undefined ? NOBODY : await authorizer.authorize(known, name, operation, asked);
      const reply = await handler({ ...asked, by });
      const marker = new Response(null, { status: 204 });
      results.set(marker, { status: operation.status, reply });
      return marker;
    });
  }
  app.onError((error) => {
    throw error;
  });
  return async (method, url, received) => {
    const response = await app.fetch(new Request(url, { method }), received);
    const routed = results.get(response);
    if (routed === undefined) throw notFound(method, url.pathname);
    return routed;
  };
}

/** Throws invalid_field for the first thing that is wrong. */
function check<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const path = (issue?.path ?? []).map(String);
  if (issue?.code === 'unrecognized_keys')
    throw new BulkheadError('invalid_field', { field: [...path, issue.keys[0] ?? ''].join('.'), reason: 'there is no such field' });
  throw new BulkheadError('invalid_field', { field: path.join('.') || '(whole)', reason: reasonOf(issue) });
}

function reasonOf(issue: z.core.$ZodIssue | undefined): string {
  if (issue?.code === 'invalid_value') return `it must be one of ${issue.values.map(String).join(', ')}`;
  return issue?.message ?? 'it does not fit';
}

function queryOf({ searchParams }: URL): Record<string, string> {
  const query: Record<string, string> = {};
  for (const [name, value] of searchParams) {
    if (Object.hasOwn(query, name)) throw new BulkheadError('invalid_field', { field: name, reason: 'it was given twice' });
    Object.defineProperty(query, name, { value, enumerable: true });
  }
  return query;
}

const PATTERNS = Object.values<Operation>(OPERATIONS).map(({ method, path }) => ({
  method,
  pattern: new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`),
}));

function notFound(method: string, path: string): BulkheadError {
  const allowed = PATTERNS.filter(({ pattern }) => pattern.test(path)).map((operation) => operation.method);
  if (allowed.length > 0) return new BulkheadError('method_not_allowed', { method, path: path.slice(0, 200), allowed: allowed.join(', ') });
  return new BulkheadError('unknown_endpoint', { method, path: path.slice(0, 200) });
}

/** True for what may be asked without token. */
export const isPublic = (method: string, path: string): boolean =>
  Object.values<Operation>(OPERATIONS).some(
    (operation) => operation.access === 'public' && operation.path === path && method === operation.method,
  );
