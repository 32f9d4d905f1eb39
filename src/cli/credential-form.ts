import { createPrivateKey, type KeyObject } from 'node:crypto';
import { isJsonObject, type JsonObject } from '../core/json.ts';
import type { Secret } from '../core/secret.ts';
import { usageError, type CliFailure } from './failure.ts';

/**
 * Secrets of several values: Google service accounts, AWS keys, Entra clients. They are looked at here, before they are sealed, so that
 * whoever pastes the wrong file hears at once what is wrong with it; the vault judges again. Nothing here quotes a value.
 */

const AWS = 'Give {"access_key_id": "…", "secret_access_key": "…"}, or the lines aws_access_key_id=… and aws_secret_access_key=….';
const GOOGLE = 'Give the JSON file as it was downloaded: console.cloud.google.com, IAM, service accounts, keys.';
const ENTRA = 'Give {"client_id": "…", "client_secret": "…"} of an app registration.';
const KEY_CHARACTERS = /^[A-Za-z0-9/+=]+$/;

/** Throws what is wrong with a secret that is a JSON object or lines. A plain key passes. */
export function checkForm(secret: Secret): void {
  const text = secret.reveal((bytes) => bytes.toString('utf8'));
  if (text.startsWith('{')) return checkObject(parsed(text));
  if (text.startsWith('[') || text.startsWith('aws_')) checkAws(linesOf(text), 'aws_');
}

function parsed(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    if (isJsonObject(value)) return value;
  } catch {
    // The parser's words quote the text.
  }
  throw wrong('it begins like JSON but is not a JSON object', 'Give the file as it is, whole.');
}

function checkObject(fields: JsonObject): void {
  if (Object.hasOwn(fields, 'type')) return checkServiceAccount(fields);
  if (Object.hasOwn(fields, 'access_key_id') || Object.hasOwn(fields, 'secret_access_key')) return checkAws(fields, '');
  if (Object.hasOwn(fields, 'client_id') || Object.hasOwn(fields, 'client_secret')) return checkClient(fields);
  throw wrong('it is neither a service account, nor AWS keys, nor a client of Entra', `${AWS} ${GOOGLE} ${ENTRA}`);
}

function checkServiceAccount(fields: JsonObject): void {
  const { type } = fields;
  if (type !== 'service_account')
    throw wrong('it is not the file of a service account: its `type` is another (a user’s own login, or federation)', GOOGLE);
  for (const name of ['client_email', 'private_key_id', 'private_key', 'token_uri']) need(fields, name, /./s, GOOGLE);
  let key: KeyObject;
  try {
    key = createPrivateKey(String(fields['private_key']));
  } catch {
    // OpenSSL's words would say which part of the key is wrong.
    throw wrong('its `private_key` is not a private key in PEM; it may have been cut or re-wrapped', GOOGLE);
  }
  if (key.asymmetricKeyType !== 'rsa') throw wrong('its `private_key` is no RSA key', GOOGLE);
}

function checkAws(fields: JsonObject, prefix: string): void {
  need(fields, `${prefix}access_key_id`, /^[A-Z0-9]{16,128}$/, AWS);
  need(fields, `${prefix}secret_access_key`, KEY_CHARACTERS, AWS);
  const token = `${prefix}session_token`;
  if (Object.hasOwn(fields, token)) need(fields, token, KEY_CHARACTERS, AWS);
}

function checkClient(fields: JsonObject): void {
  need(fields, 'client_id', /^[A-Za-z0-9-]{1,128}$/, ENTRA);
  need(fields, 'client_secret', /^[\x21-\x7e]+$/, ENTRA);
}

function need(fields: JsonObject, name: string, form: RegExp, remedy: string): void {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (value === undefined || value === '') throw wrong(`\`${name}\` is missing`, remedy);
  if (typeof value !== 'string' || !form.test(value)) throw wrong(`\`${name}\` does not have the form it should have`, remedy);
}

function linesOf(text: string): JsonObject {
  const lines = text.split('\n').map((line) => line.trim());
  const profiles = lines.filter((line) => line.startsWith('['));
  if (profiles.length > 1) throw wrong('it holds more than one profile', 'Give the lines of one profile alone.');
  const pairs = lines
    .filter((line) => line !== '' && !line.startsWith('['))
    .map((line) => {
      const mark = line.indexOf('=');
      if (mark === -1) throw wrong('a line of it is not name = value', AWS);
      return [line.slice(0, mark).trim(), line.slice(mark + 1).trim()] as const;
    });
  return Object.fromEntries(pairs);
}

const wrong = (what: string, remedy: string): CliFailure => usageError(`The secret cannot be used: ${what}.`, remedy);
