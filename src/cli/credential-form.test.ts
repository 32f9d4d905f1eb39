import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { Secret } from '../core/secret.ts';
import { checkForm } from './credential-form.ts';

const check = (text: string): void => checkForm(Secret.take(Buffer.from(text)));
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
const account = (extra: object = {}): string =>
  JSON.stringify(
    {
      type: 'service_account',
      client_email: 'a@b.example',
      private_key_id: 'k',
      private_key: pem,
      token_uri: 'https://oauth2.googleapis.com/token',
      ...extra,
    },
    null,
    2,
  );
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const keys = (extra: object = {}): string => JSON.stringify({ access_key_id: 'AKIAIOSFODNN7EXAMPLE', secret_access_key: SECRET, ...extra });

describe('form of a secret', () => {
  for (const [name, text] of Object.entries({
    'a plain key': 'sk-proj-0123456789',
    'a service account': account(),
    'AWS keys': keys(),
    'AWS keys with a session token': keys({ session_token: 'IQoJ/+==' }),
    'AWS lines': `aws_access_key_id = AKIAIOSFODNN7EXAMPLE\r\naws_secret_access_key = ${SECRET}`,
    'AWS lines of a profile': `[default]\naws_access_key_id=AKIAIOSFODNN7EXAMPLE\naws_secret_access_key=${SECRET}\nregion=eu-west-1`,
    'an Entra client': '{"client_id":"1-2","client_secret":"x~y"}',
  }))
    it(`takes ${name}`, () => check(text));

  const refused: readonly (readonly [string, string, RegExp])[] = [
    ['a cut file', account().slice(0, -5), /begins like JSON but is not a JSON object/],
    ['a user’s login', '{"type":"authorized_user","refresh_token":"hunter2"}', /`type` is another/],
    ['a service account without its key', account({ private_key: undefined }), /`private_key` is missing/],
    ['a service account whose key was cut', account({ private_key: String(pem).slice(0, 400) }), /not a private key in PEM/],
    [
      'a service account with a key of another kind',
      account({ private_key: generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) }),
      /no RSA key/,
    ],
    ['half a pair', keys({ secret_access_key: undefined }), /`secret_access_key` is missing/],
    ['a key id with blanks', keys({ access_key_id: 'AKIA hunter2' }), /`access_key_id` does not have the form/],
    ['a number for a secret', keys({ secret_access_key: 12 }), /`secret_access_key` does not have the form/],
    ['two profiles', '[a]\naws_access_key_id=A\n[b]\naws_access_key_id=B', /more than one profile/],
    ['lines without a secret', '[default]\naws_access_key_id=AKIAIOSFODNN7EXAMPLE', /`aws_secret_access_key` is missing/],
    ['a line that is none', '[default]\nhunter2', /not name = value/],
    ['other JSON', '{"api_key":"hunter2"}', /neither a service account, nor AWS keys/],
    ['a client without its secret', '{"client_id":"1"}', /`client_secret` is missing/],
  ];
  for (const [name, text, words] of refused)
    it(`refuses ${name}, and quotes nothing of it`, () =>
      assert.throws(
        () => check(text),
        (error: Error) => words.test(error.message) && !error.message.includes('hunter2') && !error.message.includes(SECRET),
      ));
});
