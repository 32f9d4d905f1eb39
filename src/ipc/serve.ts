import net from 'node:net';
import { Peer, type Hello, type PeerHandlers } from './peer.ts';

/** Accepts frame connections on a Unix socket that the supervisor bound and handed over as descriptor `fd`. */
export function serveFrames(fd: number, hello: Hello, handlersFor: (peer: () => Peer) => PeerHandlers): FrameServer {
  const peers = new Set<Peer>();
  const server = net.createServer((socket) => {
    const handlers = handlersFor(() => peer);
    const peer: Peer = new Peer(socket, 'accepting', hello, {
      ...handlers,
      onClose: () => {
        peers.delete(peer);
        handlers.onClose?.();
      },
    });
    peers.add(peer);
  });
  server.listen({ fd });
  return {
    peers,
    /** Takes no new connection, tells the peers to open no new calls, resolves when all calls are done. */
    drain: async () => {
      server.close();
      for (const peer of peers) peer.goaway();
      // At least one turn, so that what was just written leaves.
      do await new Promise((resolve) => setTimeout(resolve, 20));
      while ([...peers].some((peer) => peer.active > 0));
      for (const peer of peers) peer.destroy();
    },
  };
}

export interface FrameServer {
  readonly peers: ReadonlySet<Peer>;
  drain(): Promise<void>;
}
