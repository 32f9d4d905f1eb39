import type { Role } from '../../access/permissions.ts';
import type { Answer, TestNode } from './node.ts';

/** Test code: people with roles, each with a token of their own. */

export interface Person {
  readonly id: string;
  readonly token: string;
  request(method: string, target: string, body?: unknown): Promise<Answer>;
}

export interface RoleAt {
  readonly role: Role;
  readonly organization?: string;
  readonly team?: string;
}

let people = 0;

/** A person whose account belongs to `organization`, with these roles. */
export async function createPerson(node: TestNode, roles: readonly RoleAt[], organization?: string): Promise<Person> {
  const email = `person-${++people}@example.com`;
  const { id } = await node.call('users.create', { body: { name: email, email, ...(organization !== undefined && { organization }) } });
  for (const role of roles) await node.call('members.put', { body: { user: id, ...role } });
  const { token } = await node.call('tokens.create', { body: { name: 'test', user: id } });
  const request = (method: string, target: string, body?: unknown): Promise<Answer> =>
    node.request(method, `/admin/v1${target}`, body, { authorization: `Bearer ${token}` });
  return { id, token, request };
}

export const codeOf = ({ body }: Answer): unknown => (body['error'] as Record<string, unknown> | undefined)?.['code'];
