import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { openApiDocument } from '../src/api/openapi.ts';
import { PERMISSIONS, ROLES } from '../src/access/permissions.ts';
import { OPERATIONS, type Operation } from '../src/api/operations.ts';
import { ERRORS, type ErrorRow } from '../src/core/errors.ts';
import { ENDPOINTS } from '../src/endpoints/registry.ts';
import { PROVIDER_KINDS } from '../src/providers/registry.ts';
import { SANDBOX_MODELS } from '../src/sandbox/models.ts';
import { OPERATIONS as OPERATION_NAMES } from '../src/routing/operation.ts';
import { WIRE_PROTOCOLS } from '../src/wire/protocol.ts';
import { canTranslate } from '../src/wire/registry.ts';
import { fidelityPage } from './generate-fidelity.ts';
import { providersPage } from './generate-provider-docs.ts';

/** Reference pages that are made from code. `npm run generate` writes them, test/checks/docs.test.ts holds them to it. */

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');

const GENERATED = '<!-- Made by `npm run generate`; change the code it comes from. -->';

function errorsPage(): string {
  const rows = Object.entries<ErrorRow>(ERRORS).map(([code, { status, kind, message, remedy }]) => [
    `\`${code}\``,
    String(status),
    kind.replaceAll('_', ' '),
    message,
    remedy,
  ]);
  return [
    '# Errors',
    GENERATED,
    'Every refusal has a stable code. It comes in the body of the client’s own protocol (`error.code`; for the admin API with `remedy` and `request_id` beside it), and the answer carries `x-bulkhead-request-id`. Words in braces are filled in.',
    table(['code', 'status', 'kind', 'message', 'what to do'], rows),
    '',
  ].join('\n\n');
}

const ANSWER_HEADERS: readonly (readonly [string, string])[] = [
  ['x-bulkhead-request-id', 'on every answer; the provider gets it as `x-client-request-id`'],
  ['x-bulkhead-model', 'the provider’s own name of the model that answered'],
  ['x-bulkhead-provider', 'the provider that answered'],
  ['x-bulkhead-attempts', 'calls to providers, 1 without a failover'],
  ['x-bulkhead-cache', '`none` until there is a cache'],
  ['x-bulkhead-overhead-ms', 'time spent in Bulkhead before the answer, waiting for the provider not counted'],
  ['x-bulkhead-dropped', 'request fields that the provider’s protocol cannot express; only when there are any'],
  ['x-upstream-…', 'the provider’s request id and rate-limit headers'],
  ['retry-after', 'as the provider sent it'],
];

function apiPage(): string {
  const clients = ENDPOINTS.map(({ method, path: at, kind, protocol }) => [
    `\`${method} ${at.endsWith('/') ? `${at}{id}` : at}\``,
    kind === 'live' || kind === 'ready' ? 'no key needed' : protocol,
  ]);
  const operations = Object.entries<Operation>(OPERATIONS).map(([, { method, path: at, summary, permission }]) => [
    `\`${method} ${at}\``,
    summary,
    permission === null ? 'nothing' : `\`${permission}\``,
  ]);
  return [
    '# API',
    GENERATED,
    '## For clients, on the gateway’s port',
    'The virtual key goes where the client’s SDK puts it: `Authorization: Bearer`, `x-api-key` or `api-key`. A model is an alias of `bulkhead.yaml`, or `provider/model`.',
    table(['endpoint', 'protocol'], clients),
    'With `x-bulkhead-strict: true` a request is refused (422) when the provider’s protocol cannot express all of it.',
    table(
      ['answer header', 'what it says'],
      ANSWER_HEADERS.map(([name, what]) => [`\`${name}\``, what]),
    ),
    '## For operators, on the control port',
    'JSON in and out, described by [openapi.json](openapi.json), which the node also serves at `/openapi.json`. The admin token is in `admin/token` of the data folder: `Authorization: Bearer bha_…`. Errors are `{"error": {"code", "message", "remedy", "request_id"}}`; see [errors](errors.md). Requests from other web origins are refused.',
    'A person uses a personal token, `Authorization: Bearer bhu_…` (`bulkhead token create`), and a program a virtual key of the kind `admin` or `read`. What they may depends on their roles, each granted for the node, an organization or a team. What lies outside is answered as if it were not there (404).',
    table(['operation', 'what it does', 'needs'], operations),
    '## Roles',
    'A role counts for the place it was granted for and everything below it; `member` of an organization, for the organization itself. *Own*: for what is the person’s own. Nobody grants a role above their own, and nobody writes their own roles.',
    table(
      ['permission', ...ROLES.map((role) => `\`${role}\``)],
      Object.entries<{ readonly roles: readonly string[]; readonly own?: readonly string[] | 'anyone' }>(PERMISSIONS).map(
        ([name, { roles, own }]) => [
          `\`${name}\``,
          ...ROLES.map((role) => (roles.includes(role) ? 'yes' : own === 'anyone' || own?.includes(role) === true ? 'own' : '–')),
        ],
      ),
    ),
    '',
  ].join('\n\n');
}

function protocolsPage(): string {
  const forwards = ENDPOINTS.filter((endpoint) => endpoint.kind === 'forward');
  const clients = forwards.map(({ method, path: at, protocol, operation }) => [`\`${method} ${at}\``, protocol, operation]);
  const used = OPERATION_NAMES.filter((operation) => forwards.some((endpoint) => endpoint.operation === operation));
  const kinds = [...PROVIDER_KINDS.values()].map((kind) => [
    `\`${kind.kind}\``,
    ...used.map((operation) => [...new Set((kind.operations[operation] ?? []).map(({ protocol }) => protocol))].join(', ') || '–'),
  ]);
  const spoken = [...new Set(forwards.map(({ protocol }) => protocol))];
  const offered = WIRE_PROTOCOLS.filter((protocol) => spoken.some((client) => client === protocol || canTranslate(client, protocol)));
  const matrix = spoken.map((client) => [
    client,
    ...offered.map((protocol) => (client === protocol ? 'bytes pass' : canTranslate(client, protocol) ? 'translated' : '–')),
  ]);
  return [
    '# Protocols',
    GENERATED,
    'Which client endpoint reaches which kind of provider, and how. *Bytes pass*: the provider’s own bytes, apart from the model’s name and the usage that streams are asked for. *Translated*: through one neutral form; [what translation keeps](fidelity.md) lists the fields, [conformance](conformance.md) what was proved on recorded traffic.',
    '## What clients speak',
    table(['endpoint', 'protocol', 'operation'], clients),
    '## What providers speak',
    'A client’s own protocol is preferred; else the first one in the list that can be translated to.',
    table(['provider', ...used], kinds),
    '## Client protocol by provider protocol',
    table(['client', ...offered], matrix),
    '',
  ].join('\n\n');
}

function sandboxPage(): string {
  return [
    '# Sandbox models',
    GENERATED,
    'The provider `sandbox` runs on your machine, needs no key, costs nothing, and takes the whole way through vault and ledger. `<n>` stands for a whole number. The alias `sandbox` is `sandbox/echo`.',
    table(
      ['model', 'what it does'],
      SANDBOX_MODELS.map(({ name, does }) => [`\`sandbox/${name}\``, does]),
    ),
    '',
  ].join('\n\n');
}

const version = (JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string }).version;

/** Path below the root → text. */
export async function generatedDocs(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['docs/reference/errors.md', errorsPage()],
    ['docs/reference/fidelity.md', fidelityPage()],
    ['docs/reference/api.md', apiPage()],
    ['docs/reference/openapi.json', `${JSON.stringify(openApiDocument(version), undefined, 2)}\n`],
    ['docs/reference/protocols.md', protocolsPage()],
    ['docs/reference/providers.md', providersPage(GENERATED)],
    ['docs/reference/sandbox.md', sandboxPage()],
  ]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [file, text] of await generatedDocs()) {
    fs.writeFileSync(path.join(ROOT, file), text);
    console.log(`wrote ${file}`);
  }
}
