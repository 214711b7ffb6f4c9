import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { connectionName } from '../../../simulator/request-log.ts';

describe('The name of a connection in the request log', () => {
  it('stays the same for one socket, and is another one for any other, though ports are used again', () => {
    const [one, other] = [new Socket(), new Socket()];
    for (const socket of [one, other]) Object.defineProperty(socket, 'remotePort', { value: 40_000 });
    assert.equal(connectionName(one), connectionName(one));
    assert.notEqual(connectionName(one), connectionName(other));
  });
});
