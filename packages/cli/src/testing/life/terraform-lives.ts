import { type Executor, isMap, succeeded } from "@stackyard/core";
import type { Story } from "@stackyard/core/testing";
import { terraformLife } from "./terraform-life.ts";

/** Returns an executor that does nothing for an action, and says that it has succeeded. */
function withoutAction(action: "apply" | "destroy") {
  return (executor: Executor): Executor => ({
    ...executor,
    start: (context, config) =>
      isMap(config) && config["action"] === action ? Promise.resolve(succeeded({})) : executor.start(context, config),
  });
}

/** The lives of a configuration: fair, one in which an apply fails, and one in which the destroy fails. */
export const terraformLives: readonly Story[] = [
  terraformLife({
    name: "terraform-life",
    failing: [],
    planted: [
      {
        bug: "an apply does nothing, and says that it has succeeded",
        invariant: "said",
        bugs: { wrapExecutor: withoutAction("apply") },
      },
    ],
  }),
  terraformLife({
    name: "terraform-life-apply-fails",
    failing: [{ command: "apply", part: "GO", fate: "provider fails" }],
    planted: [
      {
        bug: "a destroy does nothing, and says that it has succeeded",
        run: { at: "look.rest#1", weather: "deletion protection is put on an object, and back" },
        invariant: "back",
        bugs: { wrapExecutor: withoutAction("destroy") },
      },
    ],
  }),
  terraformLife({
    name: "terraform-life-destroy-fails",
    failing: [{ command: "destroy", part: "END", fate: "provider fails" }],
    planted: [
      {
        bug: "a destroy whose failure is not said is done",
        invariant: "newest",
        bugs: { wrapExecutor: withoutAction("destroy") },
      },
    ],
  }),
];
