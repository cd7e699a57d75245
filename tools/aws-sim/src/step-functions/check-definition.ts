import { StateMachine, type StateMachineDefinition } from "aws-local-stepfunctions";
import { SimFault } from "../sim-fault.ts";
import type { Definition } from "./to-local-definition.ts";

const known = new Set<string>();

/**
 * Throws what CreateStateMachine returns for an invalid definition: `InvalidDefinition`. A text is checked only once, as that
 * takes a third of a second.
 */
export function checkDefinition(definition: Definition): void {
  const text = JSON.stringify(definition);
  if (known.has(text)) return;
  try {
    new StateMachine(definition as unknown as StateMachineDefinition, { validationOptions: { checkArn: false } });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SimFault("InvalidDefinition", 400, `Invalid State Machine Definition: '${why}'`);
  }
  known.add(text);
}
