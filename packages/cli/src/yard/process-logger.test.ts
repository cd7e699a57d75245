import { expect, it } from "vitest";
import { createOutput } from "../output.ts";
import { createProcessLogger } from "./process-logger.ts";

const missing = new Error("The variable SECRET is not set.");

it.each([
  [
    new Error("hosts.github: The variable SECRET is not set.", { cause: missing }),
    "hosts.github: The variable SECRET is not set.",
  ],
  [
    new Error("The store does not respond.", { cause: missing }),
    "The store does not respond. (The variable SECRET is not set.)",
  ],
])("logs an error with its cause, once: %s", (error, expected) => {
  const parts: string[] = [];
  const stream = { write: (text: string) => parts.push(text) };
  const out = createOutput({ stdout: stream, stderr: stream, json: true, env: {} });

  createProcessLogger({ out, env: {} }).error("A service failed.", { error });

  expect(JSON.parse(parts.join(""))).toMatchObject({ message: "A service failed.", error: expected });
});
