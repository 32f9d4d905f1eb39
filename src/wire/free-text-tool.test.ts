import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  argumentsOfInput,
  endInput,
  functionOfCustom,
  INPUT_CLOSES,
  INPUT_OPENS,
  INPUT_READER,
  inputOfArguments,
  inputPiece,
  readInput,
} from './free-text-tool.ts';

const TEXT = '*** Begin "Patch"\n\\u00e9 \u{1F600}\té\r\n\\';

function readAll(pieces: readonly string[]): string {
  let reader = INPUT_READER;
  const said = pieces.map((piece) => {
    const [next, text] = readInput(reader, piece);
    reader = next;
    return text;
  });
  return said.join('') + endInput(reader);
}

describe('free text as arguments of a function', () => {
  it('comes back whole', () => {
    assert.equal(inputOfArguments(argumentsOfInput(TEXT)), TEXT);
    assert.equal(inputOfArguments('{"input":1}'), '{"input":1}');
    assert.equal(inputOfArguments('no JSON'), 'no JSON');
  });

  it('comes back wherever its arguments are cut', () => {
    const escaped = argumentsOfInput(TEXT).replace('é', '\\u00e9').replace('\u{1F600}', '\\ud83d\\ude00');
    for (const whole of [argumentsOfInput(TEXT), escaped, ` { "input" : ${JSON.stringify(TEXT)} , "more": 1 } `]) {
      for (let at = 0; at <= whole.length; at++) assert.equal(readAll([whole.slice(0, at), whole.slice(at)]), TEXT, `cut at ${at}`);
      assert.equal(readAll(whole.split('')), TEXT);
    }
  });

  it('of another shape is given at its end', () => {
    for (const [text, wanted] of [
      ['{"other":1,"input":"x"}', 'x'],
      ['[1]', '[1]'],
      ['', ''],
      [`${' '.repeat(500)}{"input":"x"}`, 'x'],
    ] as const)
      assert.equal(readAll(text.split('')), wanted);
  });

  it('is valid JSON in pieces, also where a character is cut in two', () => {
    const pieces = ['say "a"\n', '\ud83d', '\ude00'];
    const whole = INPUT_OPENS + pieces.map(inputPiece).join('') + INPUT_CLOSES;
    assert.deepEqual(JSON.parse(whole), { input: 'say "a"\n\u{1F600}' });
  });

  it('is described by its grammar', () => {
    const format = { type: 'grammar', grammar: { syntax: 'lark', definition: 'start: "x"' } };
    const { description } = functionOfCustom({ type: 'custom', name: 'c', description: 'Does c.', format });
    assert.equal(description, 'Does c.\n\n`input` must follow this lark grammar:\nstart: "x"');
    assert.equal(functionOfCustom({ type: 'custom', name: 'c' }).description, undefined);
  });
});
