import type { ChildProcess } from "node:child_process";

/** Functions that another process may call; arguments and answers are JSON. */
export type Callable = Readonly<Record<string, (input: never) => Promise<unknown>>>;

interface CallMessage {
  readonly id: number;
  readonly name: string;
  readonly input: unknown;
}

interface AnswerMessage {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** Answers the calls of the parent in the child, and signals that it is ready. */
export function serveCalls(functions: Callable): void {
  process.on("message", async ({ id, name, input }: CallMessage) => {
    try {
      const value = await functions[name]?.(input as never);
      process.send?.({ id, value } satisfies AnswerMessage);
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
}

/** Calls the child's functions in the parent. A child that dies fails the pending calls. */
export function createCaller<Functions extends Callable>(child: ChildProcess) {
  const waiting = new Map<number, (answer: AnswerMessage) => void>();
  let nextId = 0;
  child.on("message", (answer: AnswerMessage) => waiting.get(answer.id)?.(answer));
  child.on("exit", (code, signal) => {
    for (const [id, answer] of waiting) answer({ id, error: `The process ended with ${code ?? signal}.` });
  });
  return <Name extends keyof Functions & string>(
    name: Name,
    input: Parameters<Functions[Name]>[0],
  ): Promise<Awaited<ReturnType<Functions[Name]>>> => {
    nextId += 1;
    const id = nextId;
    return new Promise((resolve, reject) => {
      waiting.set(id, ({ value, error }) => {
        waiting.delete(id);
        if (error === undefined) resolve(value as Awaited<ReturnType<Functions[Name]>>);
        else reject(new Error(`${name}: ${error}`));
      });
      child.send({ id, name, input } satisfies CallMessage);
    });
  };
}
