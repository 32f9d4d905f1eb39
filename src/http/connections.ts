import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Counts a listener's connections by address and its requests by connection. */
export class Connections {
  readonly #byAddress = new Map<string, number>();
  readonly #sockets = new Set<Socket>();
  /** The answers under way on a connection; pipelined requests make several. TLS: by the decrypted socket. */
  readonly #answers = new Map<Socket, ServerResponse[]>();
  #active = 0;
  #draining = false;

  get size(): number {
    return this.#sockets.size;
  }

  get active(): number {
    return this.#active;
  }

  /** Gives how many connections the address has now. */
  add(socket: Socket, address: string): number {
    const count = (this.#byAddress.get(address) ?? 0) + 1;
    this.#byAddress.set(address, count);
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      const left = (this.#byAddress.get(address) ?? 1) - 1;
      if (left === 0) this.#byAddress.delete(address);
      else this.#byAddress.set(address, left);
    });
    return count;
  }

  begin(socket: Socket, response: ServerResponse): void {
    this.#active++;
    const answers = this.#answersOn(socket);
    answers.push(response);
    if (this.#draining) response.shouldKeepAlive = false;
    response.on('close', () => {
      this.#active--;
      answers.splice(answers.indexOf(response), 1);
      if (socket.destroyed) this.#answers.delete(socket);
    });
  }

  #answersOn(socket: Socket): ServerResponse[] {
    const known = this.#answers.get(socket);
    if (known !== undefined) return known;
    const answers: ServerResponse[] = [];
    this.#answers.set(socket, answers);
    socket.once('close', () => {
      if (answers.length === 0) this.#answers.delete(socket);
    });
    return answers;
  }

  /** True: an answer is under way or owed to an earlier request, so that a refusal written now would be taken for it. */
  owesAnswer(socket: Socket): boolean {
    return (this.#answers.get(socket) ?? []).some((response) => response.headersSent || response.req.complete);
  }

  /** From now on every answer says `connection: close`; those whose head is out already close when they are whole. */
  startDraining(): void {
    this.#draining = true;
    for (const answers of this.#answers.values()) for (const response of answers) response.shouldKeepAlive = false;
  }

  /** Closes connections on which no byte ever came: before its handshake a TLS connection is not on Node's list of idle ones. */
  closeUnused(): void {
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy();
  }

  closeAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
