import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonObject } from '../../core/json.ts';
import { cancelledResponse, continueWith, deletedResponse, inputItems, listItems } from './state.ts';

const said = (text: string): JsonObject => ({ type: 'message', role: 'user', content: [{ type: 'input_text', text }] });
const call: JsonObject = { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'f', arguments: '{}' };
const result: JsonObject = { type: 'function_call_output', call_id: 'call_1', output: 'ok' };

describe('the input of a kept response', () => {
  it('is a list of items, however it was said', () => {
    assert.deepEqual(inputItems({ input: 'hi' }), [said('hi')]);
    assert.deepEqual(inputItems({ input: [{ role: 'user', content: 'hi' }, call] }), [
      { type: 'message', role: 'user', content: 'hi' },
      call,
    ]);
    assert.deepEqual(inputItems({ prompt: { id: 'p' } }), []);
  });
});

describe('a request that goes on', () => {
  it('has the whole conversation in it, and no id', () => {
    const body = { model: 'm', previous_response_id: 'resp_1', instructions: 'new', input: [result] };
    assert.deepEqual(continueWith({ input: [said('hi')], output: [call] }, body), {
      model: 'm',
      instructions: 'new',
      input: [said('hi'), call, result],
    });
  });

  it('goes on over several turns', () => {
    const second = continueWith({ input: [said('one')], output: [call] }, { previous_response_id: 'resp_1', input: [result] });
    const third = continueWith({ input: inputItems(second), output: [said('two')] }, { previous_response_id: 'resp_2', input: 'three' });
    assert.deepEqual(third['input'], [said('one'), call, result, said('two'), said('three')]);
  });

  it('puts an item that it names by its id in its place, once', () => {
    const body = { previous_response_id: 'resp_1', input: [{ type: 'item_reference', id: 'fc_1' }, result, { id: 'elsewhere' }] };
    assert.deepEqual(continueWith({ input: [said('hi')], output: [call] }, body)['input'], [said('hi'), call, result, { id: 'elsewhere' }]);
  });
});

describe('the list of input items', () => {
  const items = Array.from({ length: 25 }, (_, index) => ({ ...said(String(index)), id: `msg_${index}` }));
  const list = (query: string): JsonObject => listItems(items, new URLSearchParams(query));
  const ids = (page: JsonObject): readonly unknown[] => (page['data'] as readonly JsonObject[]).map(({ id }) => id);

  it('shows twenty, the newest first', () => {
    const page = list('');
    assert.equal(ids(page).length, 20);
    assert.deepEqual([page['object'], page['first_id'], page['last_id'], page['has_more']], ['list', 'msg_24', 'msg_5', true]);
  });

  it('goes on behind an id', () => {
    assert.deepEqual(ids(list('after=msg_2')), ['msg_1', 'msg_0']);
    const page = list('order=asc&after=msg_2&limit=2');
    assert.deepEqual([ids(page), page['has_more']], [['msg_3', 'msg_4'], true]);
    assert.equal(list('order=asc&after=msg_22&limit=2')['has_more'], false);
  });

  it('gives an id to an item that its client gave none', () => {
    const page = listItems([said('hi'), { ...result }], new URLSearchParams('order=asc'));
    assert.deepEqual(ids(page), ['msg_0', 'fco_1']);
    assert.deepEqual(ids(listItems([said('hi'), result], new URLSearchParams('order=asc&after=msg_0'))), ['fco_1']);
  });

  it('is empty where there was no input', () => {
    assert.deepEqual(listItems([], new URLSearchParams()), { object: 'list', data: [], first_id: null, last_id: null, has_more: false });
  });

  it('refuses what it does not understand', () => {
    for (const query of ['limit=0', 'limit=101', 'limit=ten', 'limit=1e1', 'order=up', 'after=unknown'])
      assert.throws(() => list(query), /query parameter/, query);
  });
});

describe('what is answered about a kept response', () => {
  it('is that it is gone, or was stopped', () => {
    assert.deepEqual(deletedResponse('resp_1'), { id: 'resp_1', object: 'response', deleted: true });
    assert.equal(cancelledResponse({ id: 'resp_1', status: 'in_progress' })['status'], 'cancelled');
  });
});
