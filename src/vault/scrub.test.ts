import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Secret } from '../core/secret.ts';
import { EchoForms, Scrubber } from './scrub.ts';

const SECRET = 'sk-a/b+"c\\d~0123456789';
const forms = new EchoForms(Secret.take(Buffer.from(SECRET)));

function scrub(text: string, cut: number): { text: string; echoes: number } {
  const scrubber = new Scrubber(forms);
  const bytes = Buffer.from(text);
  const parts = [scrubber.push(Buffer.from(bytes.subarray(0, cut))), scrubber.push(Buffer.from(bytes.subarray(cut))), scrubber.held];
  return { text: Buffer.concat(parts.filter((part) => part !== undefined)).toString(), echoes: scrubber.echoes };
}

describe('echo scrub (20)', () => {
  const base64 = (before: string, after: string): string => Buffer.from(before + SECRET + after).toString('base64');
  const echoes: Readonly<Record<string, string>> = {
    plain: SECRET,
    'percent-encoded': encodeURIComponent(SECRET),
    'percent-encoded in lower case': encodeURIComponent(SECRET).replace(/%../g, (escape) => escape.toLowerCase()),
    'JSON-escaped': JSON.stringify(SECRET).slice(1, -1),
    'JSON-escaped with slashes': JSON.stringify(SECRET).slice(1, -1).replaceAll('/', '\\/'),
    'base64, first alignment': base64('', 'tail'),
    'base64, second alignment': base64('a', ''),
    'base64, third alignment': base64('ab', 'xyz'),
    base64url: base64('Bearer ', '').replaceAll('+', '-').replaceAll('/', '_'),
  };
  for (const [name, echo] of Object.entries(echoes)) {
    it(`overwrites it ${name}, cut at every byte, keeping the length`, () => {
      const text = `{"error":"Incorrect key: ${echo}. Try again"}\n`;
      for (let cut = 0; cut <= text.length; cut++) {
        const result = scrub(text, cut);
        assert.equal(result.echoes, 1, `at ${cut}`);
        assert.equal(Buffer.byteLength(result.text), Buffer.byteLength(text));
        assert.ok(!result.text.includes(SECRET) && !result.text.includes(echo) && result.text.includes('*'.repeat(16)));
        assert.ok(result.text.startsWith('{"error":"Incorrect key: ') && result.text.endsWith('"}\n'));
      }
    });
  }

  it('leaves everything else as it is, at every cut', () => {
    const text = `data: {"x":"${SECRET.slice(0, -1)}"}\n\nsk-a/b sk-a/b+ ${Buffer.from(SECRET).toString('base64').slice(0, 12)}`;
    for (let cut = 0; cut <= text.length; cut++) assert.deepEqual(scrub(text, cut), { text, echoes: 0 });
  });

  it('does not delay an event: what cannot begin the secret passes at once', () => {
    const event = Buffer.from('data: {"delta":"hello"}\n\n');
    assert.equal(new Scrubber(forms).push(event).length, event.length);
    const scrubber = new Scrubber(forms);
    assert.equal(scrubber.push(Buffer.from('text sk-a')).toString(), 'text ');
    assert.equal(scrubber.push(Buffer.from('b!')).toString(), 'sk-ab!');
  });

  it('finds a secret that is sent byte by byte', () => {
    const scrubber = new Scrubber(forms);
    let out = '';
    for (const byte of Buffer.from(`x${SECRET}y`)) out += scrubber.push(Buffer.from([byte])).toString();
    assert.equal(out + (scrubber.held?.toString() ?? ''), `x${'*'.repeat(SECRET.length)}y`);
  });

  it('has no forms for a credential without a secret', () => {
    const none = new Scrubber(new EchoForms(Secret.take(Buffer.alloc(0))));
    assert.equal(none.push(Buffer.from('text')).toString(), 'text');
  });
});
