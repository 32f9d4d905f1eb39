import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkLine, firstBreak, GENESIS, readTail, sealLine, type TailRecord } from './chain.ts';

function chainOf(count: number): string[] {
  const lines: string[] = [];
  for (let last: TailRecord = GENESIS, i = 0; i < count; i++) {
    const line = sealLine(last, { kind: 'act', at: i, act: 'key.create', target: `key/${i}` });
    lines.push(line.text);
    last = line;
  }
  return lines;
}

describe('log chain', () => {
  it('a line gives back what went in', () => {
    const line = sealLine(GENESIS, { kind: 'act', facts: { note: '","hash":"' } });
    const read = checkLine(line.text);
    assert.equal(read?.sequence, 1);
    assert.equal(read?.hash, line.hash);
    assert.deepEqual(read?.body['facts'], { note: '","hash":"' });
  });

  it('an untouched log has no break', () => assert.equal(firstBreak(chainOf(5)), undefined));

  it('every change of one character is seen', () => {
    const lines = chainOf(3);
    const middle = lines[1] as string;
    for (let i = 0; i < middle.length; i++) {
      const changed = middle.slice(0, i) + (middle[i] === '7' ? '8' : '7') + middle.slice(i + 1);
      assert.equal(firstBreak([lines[0] as string, changed, lines[2] as string]), 2, `character ${i}`);
    }
  });

  it('a removed line, a swap and a repeat are seen', () => {
    const [a, b, c] = chainOf(3) as [string, string, string];
    assert.equal(firstBreak([a, c]), 2);
    assert.equal(firstBreak([a, c, b]), 2);
    assert.equal(firstBreak([a, a]), 2);
  });

  it('finds the end of the last whole line for every cut of the file', () => {
    const lines = chainOf(3);
    const whole = Buffer.from(lines.map((line) => `${line}\n`).join(''));
    const ends = [0, 1, 2, 3].map((count) =>
      Buffer.byteLength(
        lines
          .slice(0, count)
          .map((line) => `${line}\n`)
          .join(''),
      ),
    );
    for (let cut = 0; cut <= whole.length; cut++) {
      const { last, validBytes } = readTail(whole.subarray(0, cut));
      const expected = ends.filter((end) => end <= cut).length - 1;
      assert.equal(validBytes, ends[expected], `cut at ${cut}`);
      assert.equal(last?.sequence ?? 0, expected);
    }
  });

  it('passes over whole lines that hold rubbish', () => {
    const [line] = chainOf(1);
    const bytes = Buffer.from(`${line}\n${'\0'.repeat(20)}\n{"a":1}\n`);
    assert.equal(readTail(bytes).validBytes, Buffer.byteLength(`${line}\n`));
  });
});
