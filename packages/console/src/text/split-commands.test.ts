import { expect, it } from "vitest";
import { splitCommands } from "./split-commands.ts";

it.each([
  [
    "Failed: push. `stackyard stacks retry pr-1` tries again. The state also handles CLOSED.",
    "Failed: push. The state also handles CLOSED.",
    ["stackyard stacks retry pr-1"],
  ],
  [
    'Waits for task "app": it has failed; `stackyard stacks retry pr-1` tries again.',
    'Waits for task "app": it has failed.',
    ["stackyard stacks retry pr-1"],
  ],
  [
    "Cancelled. `stackyard stacks retry pr-1 --task a` tries again; `stackyard stacks settle pr-1 a --reason WHY` marks it as done.",
    "Cancelled.",
    ["stackyard stacks retry pr-1 --task a", "stackyard stacks settle pr-1 a --reason WHY"],
  ],
  [
    "To continue, correct the machine and move the stack to it with `stackyard stacks upgrade shop-1.42.0`.",
    "To continue, correct the machine and move the stack to it.",
    ["stackyard stacks upgrade shop-1.42.0"],
  ],
  [
    "tenants: Running for 1h 13m: 49 arrived, 1 failed. Held back by a closed window. Which: stackyard deploys show shop-1 tenants (checked again in 5s)",
    "tenants: Running for 1h 13m: 49 arrived, 1 failed. Held back by a closed window.",
    ["stackyard deploys show shop-1 tenants"],
  ],
])("separates the commands of %s", (text, words, commands) => {
  expect(splitCommands(text)).toEqual({ words, commands });
});

it("leaves other code between backticks where it is", () => {
  const text = "Stalled (LOOP_LIMIT): `when` is true. Send an event to continue.";

  expect(splitCommands(text)).toEqual({ words: text, commands: [] });
});

it("leaves out when the engine polls next, which no reader waits for", () => {
  const text =
    "database: Running for 34m: waiting (checked again in 11h 25m) (1 event is parked and retried within 2m.)";

  expect(splitCommands(text)).toEqual({
    words: "database: Running for 34m: waiting (1 event is parked and retried within 2m.)",
    commands: [],
  });
});
