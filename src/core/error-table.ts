/**
 * The one table of errors a client or operator can meet. `docs/reference/errors.md` is generated from it.
 *
 * `status` is the HTTP status, `kind` the class that each client protocol maps to its own error type,
 * `message` a safe sentence (`{name}` is filled in by the thrower), `remedy` what to do next.
 */
export type ErrorKind =
  | 'invalid_request'
  | 'authentication'
  | 'permission'
  | 'not_found'
  | 'too_large'
  | 'rate_limit'
  | 'budget'
  | 'upstream'
  | 'timeout'
  | 'unavailable'
  | 'conflict'
  | 'internal';

export interface ErrorRow {
  readonly status: number;
  readonly kind: ErrorKind;
  readonly message: string;
  readonly remedy: string;
}

const row = (status: number, kind: ErrorKind, message: string, remedy: string): ErrorRow => ({ status, kind, message, remedy });

export const ERRORS = {
  // Reading the request
  malformed_request: row(400, 'invalid_request', 'The HTTP request is malformed: {reason}.', 'Send well-formed HTTP/1.1.'),
  duplicate_header: row(400, 'invalid_request', 'The header {name} was sent more than once.', 'Send it once.'),
  bad_host: row(400, 'invalid_request', 'The Host header is not a host name with an optional port.', 'Send the plain host name of this gateway.'),
  bad_target: row(400, 'invalid_request', 'The request target must be a plain absolute path.', 'Send a path such as /v1/chat/completions.'),
  unknown_endpoint: row(404, 'not_found', 'There is no endpoint {method} {path}.', 'See the list of endpoints in docs/reference/api.md.'),
  method_not_allowed: row(405, 'invalid_request', '{path} does not take {method}.', 'Use {allowed}.'),
  unsupported_media_type: row(415, 'invalid_request', 'The content type or encoding {type} is not accepted.', 'Send application/json without content-encoding, or with gzip, deflate or zstd.'),
  head_too_large: row(431, 'too_large', 'The request head is larger than {limit} bytes or has too many headers.', 'Send fewer or shorter headers.'),
  body_too_large: row(413, 'too_large', 'The request body is larger than {limit} bytes.', 'Send a smaller body, or raise limits.body_bytes in bulkhead.yaml.'),
  form_too_large: row(413, 'too_large', 'The form is larger than {limit} bytes.', 'Send a smaller file, or raise limits.form_bytes in bulkhead.yaml.'),
  form_not_streamed: row(413, 'too_large', 'The form is larger than {limit} bytes and cannot be sent on while it arrives: {reason}.', 'Put the field model before the file and send a content-length, or raise limits.body_bytes in bulkhead.yaml.'),
  too_many_connections: row(429, 'rate_limit', 'This address already has {limit} connections.', 'Reuse connections, or raise limits.connections_per_address in bulkhead.yaml.'),
  client_gone: row(499, 'invalid_request', 'The client closed the connection before its request was whole.', 'Keep the connection open until the answer is whole.'),
  request_timeout: row(408, 'timeout', 'The request did not arrive in time.', 'Send the whole request within {seconds} s.'),
  invalid_json: row(400, 'invalid_request', 'The body is not valid JSON: {reason} at byte {offset}.', 'Send one JSON object in UTF-8.'),
  json_too_deep: row(400, 'invalid_request', 'The JSON is nested deeper than {limit} levels.', 'Flatten the request.'),
  json_duplicate_key: row(400, 'invalid_request', 'The JSON names the key {key} twice in one object.', 'Name each key once.'),
  json_too_many_keys: row(413, 'too_large', 'The JSON has more than {limit} keys.', 'Send a smaller request.'),
  invalid_request: row(400, 'invalid_request', '{reason}', 'Correct the request; the field is named in `param` where it is known.'),
  unsupported_parameter: row(422, 'invalid_request', 'The provider {provider} cannot express {fields}.', 'Leave them out, or drop x-bulkhead-strict.'),

  // Who is asking
  missing_key: row(401, 'authentication', 'No virtual key was sent.', 'Send Authorization: Bearer bh_…; create one with: bulkhead key create.'),
  invalid_key: row(401, 'authentication', 'The virtual key is not valid.', 'Check the key, or create one with: bulkhead key create.'),
  key_lookup_unavailable: row(503, 'unavailable', 'This key is not in the cache and the control process does not answer.', 'Try again in a few seconds.'),
  key_blocked: row(403, 'permission', 'This virtual key is blocked.', 'Ask who administers it, or unblock it with: bulkhead key unblock.'),
  key_kind_not_allowed: row(403, 'permission', 'This virtual key is of the kind {kind} and may not call {endpoint}.', 'Use a key of the kind llm.'),
  endpoint_not_allowed: row(403, 'permission', 'This key may not call {endpoint}. It may call: {endpoints}.', 'Ask for a key that allows it, or use one of those endpoints.'),
  address_not_allowed: row(403, 'permission', 'This key may not be used from the address {address}.', 'Use it from one of its addresses, or ask for a key that allows this one.'),
  model_not_allowed: row(403, 'permission', 'This key may not use the model {model}. It may use: {models}.', 'Ask for a key that allows it, or use one of those models.'),
  path_not_allowed: row(403, 'permission', 'The path {method} {path} of the provider {provider} is not open.', 'Ask the operator to name it in bulkhead.yaml under pass_through of that provider.'),
  permission_denied: row(403, 'permission', 'This identity may not {act}.', 'Ask an administrator.'),

  // What is asked
  unknown_model: row(404, 'not_found', 'There is no model {model}. This key may use: {models}.', 'Use one of those models, or add it to bulkhead.yaml.'),
  endpoint_not_supported: row(404, 'not_found', 'The model {model} cannot be reached through {path}.', 'Use an endpoint that its provider has; see docs/reference/protocols.md.'),
  rate_limited: row(429, 'rate_limit', '{owner} may use {limit} {measure} {window}.', 'Try again in {seconds} s, or ask for a higher limit ({rule}).'),
  budget_exceeded: row(402, 'budget', '{owner} used {spent} of {budget} {window}{request}; {reset}.', 'Run: bulkhead budget request.'),
  price_unknown: row(402, 'budget', 'The price of the model {model} of the provider {provider} is not known, and unknown prices are refused here.', 'Add its price to bulkhead.yaml under prices, or set unknown_price: dearest.'),
  unknown_response: row(404, 'not_found', 'There is no stored response {id}.', 'Use the id of a response that this organization and team made and that was kept, or send the whole conversation.'),
  response_elsewhere: row(409, 'conflict', 'The response before is kept by the provider {provider}, which does not serve the model {model}.', 'Ask for a model of that provider, or send the whole conversation.'),
  not_cancellable: row(400, 'invalid_request', 'The response {id} is not running in the background.', 'Only background responses can be cancelled.'),
  too_many_parallel_requests: row(429, 'rate_limit', '{owner} already has {limit} requests in flight.', 'Wait for one to end, or raise max_parallel of the key.'),
  admission_unavailable: row(503, 'unavailable', 'The ledger does not answer, so the request cannot be admitted.', 'Try again in a few seconds; see: bulkhead doctor.'),

  // The provider
  upstream_unreachable: row(502, 'upstream', 'The provider {provider} could not be reached: {reason}.', 'Try again; check: bulkhead credential try.'),
  upstream_reset: row(502, 'upstream', 'The provider {provider} closed the connection before its answer was whole.', 'Try again.'),
  upstream_invalid: row(502, 'upstream', 'The provider {provider} sent an answer that is not valid: {reason}.', 'Try again; if it lasts, report it with the request id.'),
  upstream_timeout: row(504, 'timeout', 'The provider {provider} did not answer within {seconds} s.', 'Try again, or raise the timeouts in bulkhead.yaml.'),
  upstream_redirect: row(502, 'upstream', 'The provider {provider} answered with a redirect, which is never followed.', 'Correct base_url in bulkhead.yaml.'),
  upstream_error: row(502, 'upstream', 'The provider {provider} answered {status}: {reason}', 'See the provider’s message.'),

  // The vault
  vault_unavailable: row(503, 'unavailable', 'The vault does not answer.', 'Try again in a few seconds; see: bulkhead doctor.'),
  vault_sealed: row(503, 'unavailable', 'The vault is sealed.', 'Unseal it: start Bulkhead with its root key.'),
  credential_missing: row(503, 'unavailable', 'There is no credential {credential} for the provider {provider}.', 'Add it: bulkhead credential add {credential}.'),
  credential_refused: row(403, 'permission', 'The vault refused this use of the credential: {reason}.', 'The credential is bound to its tenant, hosts and paths; see: bulkhead credential show.'),
  proof_invalid: row(401, 'authentication', 'The vault could not verify the key behind this request.', 'Check the key, or create one with: bulkhead key create.'),
  ceiling_reached: row(429, 'rate_limit', 'The credential {credential} reached its ceiling: {reason}.', 'Wait, or raise the ceiling: bulkhead credential ceiling.'),
  address_refused: row(502, 'upstream', 'The host of {provider} resolves to an address that is not allowed.', 'Private addresses need `private: true` at that provider in bulkhead.yaml.'),
  journal_failed: row(503, 'unavailable', 'The vault cannot write its journal, so no call may leave.', 'Free disk space in the data folder.'),

  // The control plane
  admin_token_invalid: row(401, 'authentication', 'The admin token is missing or not valid.', 'Run the command where the data folder is, or pass --token-file.'),
  issuer_unavailable: row(503, 'unavailable', 'The keys of the issuer {issuer} could not be fetched.', 'Try again in a few seconds; the reason is in the log: bulkhead logs.'),
  login_not_fresh: row(401, 'authentication', 'The login’s ID token was issued too long ago.', 'Log in again: bulkhead login.'),
  login_no_team: row(403, 'permission', 'This person may not call models in {team}.', 'Ask an administrator for a role in a team that the issuer names for you.'),
  token_needed: row(403, 'permission', 'Only a person with an ID token of an issuer logs in.', 'Run: bulkhead login.'),
  resource_missing: row(404, 'not_found', 'There is no {resource} {id}.', 'List them first.'),
  row_edited: row(409, 'conflict', 'The row of {resource} {id} is not the one that the vault signed: the database was edited.', 'Revoke it and make a new one; find out who can write to the data folder.'),
  rows_differ: row(409, 'conflict', 'The database is not as this node wrote it: {tables}. Until an operator looked, only the node’s own token changes anything.', 'Ask an operator to run: bulkhead rows.'),
  changed_meanwhile: row(409, 'conflict', 'The {resource} {id}, or what it belongs to, was changed by somebody else meanwhile.', 'Look at it again, then repeat the command.'),
  exceeds_parent: row(422, 'invalid_request', 'The field {field} goes beyond what {parent} may use: {beyond}.', 'Leave that out, or let {parent} use it first.'),
  children_exceed: row(409, 'conflict', '{count} below {parent} would be allowed more than it: {children}.', 'Change those first, or send cut: true to cut them down.'),
  too_many_keys: row(409, 'conflict', 'A member may have {limit} keys in the team {team}.', 'Revoke one, or ask an administrator to raise keys_per_member of the team.'),
  resource_in_use: row(409, 'conflict', 'The {resource} {id} is named by {users}.', 'Change those first.'),
  resource_exists: row(409, 'conflict', 'The {resource} {id} exists already.', 'Choose another name, or change the one there is.'),
  declared_in_file: row(409, 'conflict', 'The {resource} {id} is declared in {file} and read-only here.', 'Change it in that file; it is reloaded by itself.'),
  invalid_field: row(422, 'invalid_request', 'The field {field} is not valid: {reason}.', 'See docs/reference/api.md.'),
  rule_above_parent: row(409, 'conflict', 'That is more than {parent} leaves: {allowed} at most.', 'Take at most that, or raise what is above first.'),
  rule_below_children: row(409, 'conflict', 'Rules below have more than that: {children}.', 'Lower them first, or cut them with it: --cut (`cut: true`).'),
  budget_choice: row(409, 'conflict', '{owner} has {count} budgets that could be raised: {budgets}.', 'Name one: --budget (`budget`).'),
  request_decided: row(409, 'conflict', 'The request {id} is already {state}.', 'Ask again: bulkhead budget request.'),
  audit_unavailable: row(503, 'unavailable', 'The act cannot be recorded, so it was not carried out.', 'See: bulkhead doctor; the auditor must be running and its disk writable.'),
  ledger_unavailable: row(503, 'unavailable', 'The ledger does not answer.', 'Try again in a few seconds; see: bulkhead doctor.'),
  revoke_incomplete: row(503, 'unavailable', 'The revoke was not confirmed by every process in time: {processes}.', 'Those that did not confirm are being restarted; run the command again.'),
  schema_too_new: row(500, 'internal', 'The data folder was written by a newer Bulkhead (schema {found}, this program knows {known}).', 'Start the newer version, or restore a backup.'),
  config_invalid: row(422, 'invalid_request', '{file}:{line}: {reason}', '{remedy}'),
  browser_refused: row(403, 'permission', 'Requests from other web origins are refused.', 'Use the CLI, or a client that sends no foreign Origin.'),

  // Us
  draining: row(503, 'unavailable', 'This process is shutting down.', 'Try again at once; another process takes the request.'),
  internal: row(500, 'internal', 'Something failed inside Bulkhead.', 'Report it with the request id; the cause is in the log.'),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;
