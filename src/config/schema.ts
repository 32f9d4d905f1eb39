import { z } from 'zod';
import { targetsSchema } from './model-schema.ts';
import { LAYOUTS } from '../core/process.ts';
import { KINDS } from './catalogue/catalogue.ts';
import { issuersSchema } from './issuer-schema.ts';
import { formatEndpoint } from './network.ts';
import { NODE_DEFAULTS } from './node-defaults.ts';
import { discountsSchema, marginsSchema, pricesFileSchema, pricesSchema, unknownPriceSchema } from './price-schema.ts';

/**
 * The words of bulkhead.yaml. A field's description is its manual: the reference page, the JSON Schema and the
 * remedies of `config check` are made from it.
 */

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const ALIAS = /^[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,127}$/;
const ENDPOINT = /^(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?):\d{1,5}$/;

const name = z.string().regex(NAME, 'must be lower-case letters, digits, `-`, `_` or `.`, at most 64');
const alias = z.string().regex(ALIAS, 'must be letters, digits, or one of `._:@/+-`, at most 128');
const endpoint = z.string().regex(ENDPOINT, 'must be host:port, with brackets around an IPv6 address');
const seconds = z.number().min(0.05).max(86_400);
const count = (least: number, most: number) => z.number().int().min(least).max(most);

const tls = z
  .strictObject({
    cert: z.string().min(1).describe('Path of the PEM file with the certificate and its chain, relative to this file.'),
    key: z.string().min(1).describe('Path of the PEM file with the private key, relative to this file.'),
  })
  .describe(
    'Serve HTTPS with these files. Both are read again when they change. Absent: plain HTTP, for a load balancer in front or the loopback interface.',
  );

const rootKey = z
  .union([
    z.literal('file').describe('32 random bytes in the vault’s own folder, mode 0400, made at the first start.'),
    z.strictObject({ fd: count(3, 9).describe('Inherited descriptor that carries the 32 bytes.') }),
    z.strictObject({ passphrase_fd: count(3, 9).describe('Inherited descriptor that carries a passphrase, stretched with argon2id.') }),
  ])
  .describe(
    'Where the vault takes its root key from: `file`, `{ fd: 3 }` or `{ passphrase_fd: 3 }`. With a descriptor, nothing on disk opens the vault.',
  );

const vault = z.strictObject({
  shards: count(1, 16)
    .default(NODE_DEFAULTS.shards)
    .describe('Vault processes. A credential lives in exactly one. Changing it later moves credentials: add them again.'),
  root_key: rootKey.default('file'),
});

const auth = z
  .union([
    z.literal('bearer').describe('`Authorization: Bearer <secret>`'),
    z.literal('none').describe('No credential is sent.'),
    z.strictObject({
      header: z
        .string()
        .regex(/^[A-Za-z0-9-]{1,64}$/)
        .describe('Name of the header that carries the secret.'),
    }),
    z.literal('aws').describe('Requests are signed (AWS Signature Version 4) for `region`.'),
    z.literal('google').describe('Access tokens of a service account.'),
    z.strictObject({
      azure_ad: z
        .string()
        .regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,127}$/)
        .describe('Tenant whose tokens are fetched with a client id and secret.'),
    }),
  ])
  .describe(
    'How the credential is sent: `bearer`, `none`, `{ header: name }`, `aws`, `google` or `{ azure_ad: tenant }`. Default: what the kind uses.',
  );

const setting = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'must be letters, digits, `.`, `_` or `-`, at most 128');

const provider = z.strictObject({
  kind: z
    .enum(KINDS as readonly [string, ...string[]])
    .describe('What it is; [providers](providers.md) lists them. `openai-compatible` is everything else that takes OpenAI’s requests.'),
  base_url: z
    .string()
    .min(1)
    .max(2048)
    .optional()
    .describe(
      'Address up to and including the version, such as `https://api.openai.com/v1`. Default: the kind’s own; required where it has none. No query, no user, no `..`.',
    ),
  region: setting.optional().describe('Region or location, for kinds that have one.'),
  project: setting.optional().describe('Google Cloud project.'),
  resource: setting.optional().describe('Azure resource.'),
  account: setting.optional().describe('Account, for kinds whose address holds one.'),
  api: setting.optional().describe('Azure OpenAI: `v1` or `deployments`.'),
  api_version: setting.optional().describe('Azure OpenAI with `api: deployments`: the `api-version`.'),
  role_arn: z
    .string()
    .regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/, 'must be like arn:aws:iam::123456789012:role/name')
    .optional()
    .describe('AWS role that the vault assumes with the credential.'),
  external_id: z
    .string()
    .regex(/^[\w+=,.@:/-]{2,1224}$/)
    .optional()
    .describe('External id that the role asks for.'),
  token_url: z
    .string()
    .max(2048)
    .optional()
    .describe('Where session tokens are fetched (`aws` with a role, `google`, `azure_ad`). Default: the vendor’s own address.'),
  pass_through: z
    .array(
      z
        .string()
        .regex(
          /^(?:GET|HEAD|POST|PUT|PATCH|DELETE) (?:\/\*|(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~:@!$&()+,;=-]+)+(?:\/\*)?)$/,
          'must be a method and a path, such as GET /files or GET /batches/*',
        ),
    )
    .max(64)
    .default([])
    .describe(
      'What clients may ask of this provider beside the endpoints Bulkhead has, under `/<name>/…`: methods and paths below the base, with `/*` for all below. Empty: nothing.',
    ),
  private: z
    .boolean()
    .default(false)
    .describe('Allows addresses of private networks and the loopback interface, and plain `http`, for this provider alone.'),
  auth: auth.optional(),
  credential: name.optional().describe('Name of the credential to use; see `bulkhead credential add`. Default: the provider’s name.'),
  headers: z
    .record(z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/), z.string().max(1024))
    .default({})
    .describe('Extra request headers such as `openai-organization`. Never a secret: those are credentials.'),
  ca: z
    .string()
    .max(262_144)
    .optional()
    .describe('Extra certificate authorities to trust for this provider, PEM text as a block (`ca: |`).'),
  proxy: z.string().max(300).optional().describe('HTTP CONNECT proxy on the way to this provider: `http://host:port`.'),
  price_list: name
    .optional()
    .describe(
      'Whose prices apply: a list of the catalogue or of the prices file, or `none` for a model that nobody is paid for. Default: the kind’s list, which is `none` for own servers at a private address; else the provider’s name, under which nothing has a known price.',
    ),
});

const limits = z.strictObject({
  body_bytes: count(1024, 1_073_741_824).default(33_554_432).describe('Largest request body.'),
  form_bytes: count(1024, 1_099_511_627_776)
    .default(536_870_912)
    .describe(
      'Largest form that is sent on while it arrives, because its `model` stands before its file. Never less than `body_bytes`, which bounds every other form.',
    ),
  head_bytes: count(1024, 262_144).default(16_384).describe('Largest request head, request line included.'),
  headers: count(8, 1000).default(100).describe('Most request headers.'),
  json_depth: count(4, 256).default(64).describe('Deepest nesting of a JSON body.'),
  json_keys: count(16, 1_000_000).default(20_000).describe('Most object keys in a JSON body.'),
  connections_per_address: count(1, 1_000_000).default(1024).describe('Connections of one client address to one worker.'),
});

const timeouts = z.strictObject({
  request_head: seconds.default(15).describe('Until a request’s head has arrived.'),
  request: seconds.default(120).describe('Until a whole request has arrived.'),
  keep_alive: seconds.default(75).describe('An idle client connection is kept this long; longer than the load balancer’s own idle time.'),
  connect: seconds.default(5).describe('Until a connection to a provider stands, TLS included.'),
  upstream_head: seconds.default(300).describe('From the last byte sent to a provider until its answer begins.'),
  upstream_idle: seconds.default(300).describe('Longest silence within a provider’s answer.'),
  stream: seconds.default(3600).describe('Longest answer, from its first byte to its last.'),
});

const http = z.strictObject({
  cors_origins: z
    .array(z.string().max(300))
    .max(256)
    .default([])
    .describe('Browser origins that may call the gateway, such as `https://app.example.com`; or `*` alone. Empty: no CORS headers.'),
  trusted_proxies: z
    .array(z.string().max(64))
    .max(256)
    .default([])
    .describe('Addresses or CIDR blocks of load balancers whose `x-forwarded-for` names the client. Empty: the header is not believed.'),
});

const log = z.strictObject({
  requests: z
    .boolean()
    .default(true)
    .describe('One log line a request: id, key, model, status, times, tokens. Never a prompt or an answer.'),
});

const responses = z.strictObject({
  keep_days: z
    .number()
    .min(0)
    .max(365)
    .default(30)
    .describe('How long a response can be asked for again, or gone on from with `previous_response_id`. 0: none is kept.'),
});

const ledger = z.strictObject({
  keep_rows_days: count(31, 36_500)
    .default(NODE_DEFAULTS.ledger.rowsDays)
    .describe('How long the ledger keeps single calls. Deleting them changes no total of whole days. *Restart.*'),
  keep_hours_days: count(31, 36_500)
    .default(NODE_DEFAULTS.ledger.hoursDays)
    .describe(
      'How long it keeps hourly sums, by which days of other time zones are exact, and the sums of end users. Daily sums (UTC) stay for good. *Restart.*',
    ),
});

export const configSchema = z
  .strictObject({
    version: z.literal(1).describe('Version of this format. Always 1.'),
    listen: endpoint
      .default(formatEndpoint(NODE_DEFAULTS.listen))
      .describe('Address of the gateway. `0.0.0.0:4100` takes requests from other machines. *Restart.*'),
    control: endpoint
      .default(formatEndpoint(NODE_DEFAULTS.control))
      .describe('Address of the admin API and of `/metrics`. Keep it on loopback or an internal network. *Restart.*'),
    workers: count(1, 64).default(NODE_DEFAULTS.workers).describe('Gateway processes; connections spread over them. *Restart.*'),
    tls: tls.optional(),
    isolation: z
      .enum(['auto', ...LAYOUTS])
      .default(NODE_DEFAULTS.isolation)
      .describe(
        'How the processes are kept apart, strongest first: `uids`, `rootless`, `landlock`, `permission`, `none`. `auto` takes the first that this machine allows; a named one that it does not allow refuses to start. See `bulkhead doctor`. *Restart.*',
      ),
    sandbox: z
      .boolean()
      .default(NODE_DEFAULTS.sandbox)
      .describe('The built-in provider for trying things out: models `sandbox/echo` and others, no key needed, no cost. *Restart.*'),
    vault: vault.prefault({}).describe('The process that holds provider credentials. *Restart.*'),
    drain_seconds: z
      .number()
      .min(0)
      .max(3600)
      .default(NODE_DEFAULTS.drainMs / 1000)
      .describe('On SIGTERM, requests in flight have this long to end. *Restart.*'),
    providers: z
      .record(name, provider)
      .default({})
      .describe(
        'Upstreams by name. Those of [public kinds](providers.md) exist without being named, as soon as they have a credential; name one to change it. Every provider also serves any of its models as `provider/model`.',
      ),
    models: z
      .record(alias, targetsSchema)
      .default({})
      .describe(
        'What clients may ask for: an alias for `provider/model`, for another alias, or for a list of them; the next in a list is tried after a failure before the first byte of an answer. A target whose name does not tell its model (a profile of Bedrock, a deployment of Azure) is `{ model: <provider/model>, base_model: <name> }`.',
      ),
    issuers: issuersSchema,
    prices_file: pricesFileSchema,
    prices: pricesSchema,
    discounts: discountsSchema,
    margins: marginsSchema,
    unknown_price: unknownPriceSchema,
    limits: limits.prefault({}).describe('Bounds of what a client may send.'),
    timeouts: timeouts.prefault({}).describe('All in seconds; fractions are allowed.'),
    http: http.prefault({}).describe('Browsers and load balancers in front of the gateway.'),
    responses: responses.prefault({}).describe('Responses that Bulkhead keeps for its clients, encrypted for their organization.'),
    ledger: ledger.prefault({}).describe('How long usage is kept.'),
    log: log.prefault({}).describe('What is logged on standard output, as JSON lines.'),
  })
  .describe(
    'Bulkhead’s configuration. Only `version` is required. It is read again when it changes, all or nothing; what is marked *Restart* takes effect at the next start. No secret belongs in this file.',
  );

/** bulkhead.yaml as written, defaults filled in. Inside the program use `BulkheadConfig`. */
export type ConfigFile = z.output<typeof configSchema>;
export type ProviderEntry = ConfigFile['providers'][string];

/** The published JSON Schema (2020-12) of bulkhead.yaml, for editors. */
export const bulkheadJsonSchema = (): Record<string, unknown> => ({
  ...z.toJSONSchema(configSchema, { io: 'input', target: 'draft-2020-12' }),
  title: 'bulkhead.yaml',
});
