// The memory of a Worker's isolate, asked of the runtime while requests come. The process as a whole says nothing: the local
// database, queues and objects live in it, too, and it grows for a Worker that does nothing.

/** ms between two samples. */
export const EVERY = 200;

export interface MemoryWatch {
  stop(): void;
  /** Bytes of the heap in use, in order. */
  samples: number[];
}

/** Samples the heap by the runtime's debugger, which listens at `url`. */
export function watchMemory(url: string): MemoryWatch {
  const samples: number[] = [];
  // Whoever debugs has to say where from.
  const options = { headers: { origin: "http://localhost" } };
  const socket: WebSocket = Reflect.construct(WebSocket, [url, options]);
  let id = 0;
  const ask = (): void => {
    if (socket.readyState === WebSocket.OPEN)
      socket.send(JSON.stringify({ id: ++id, method: "Runtime.getHeapUsage" }));
  };
  socket.addEventListener("message", ({ data }) => {
    const { result }: { result?: { usedSize?: number } } = JSON.parse(String(data));
    if (typeof result?.usedSize === "number") samples.push(result.usedSize);
  });
  const timer = setInterval(ask, EVERY);
  return {
    samples,
    stop: () => {
      clearInterval(timer);
      socket.close();
    },
  };
}
