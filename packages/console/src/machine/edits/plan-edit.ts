import { addTask, addTimer, changeTimer, describe, removeFromState, removeTimer, setAttempts, setKey } from "./keys.ts";
import type { Planning } from "./locate.ts";
import { addState, declareEvent, move, rename } from "./names.ts";
import { type Change, EditRefused, type Operation, type Plan } from "./operation.ts";
import { planSteps } from "./plan-steps.ts";
import {
  addCondition,
  addReaction,
  changeTarget,
  orderReaction,
  setCondition,
  setMetadata,
  setRaise,
} from "./reactions.ts";
import { versionOf } from "./references.ts";
import { remove, removeReaction } from "./removal.ts";
import { readSource } from "./source.ts";
import type { Step } from "./step.ts";

const BOM = "\uFEFF";

/**
 * Returns what to change in the text of a machine for an edit. Nothing else changes: comments, anchors, quotes, order and
 * line ends stay as they are. The edited text parses, and means what the old one means with the edit. Pure; never throws.
 */
export function planEdit(text: string, operation: Operation): Plan {
  const shift = text.startsWith(BOM) ? 1 : 0;
  try {
    const changes = planText(text.slice(shift), operation);
    return { changes: changes.map((change) => shiftBy(change, shift)) };
  } catch (error) {
    if (!(error instanceof EditRefused)) throw error;
    const { code, message, place, offers } = error;
    const moved = offers.map((offer) =>
      offer.places === undefined ? offer : { ...offer, places: offer.places.map((each) => shiftBy(each, shift)) },
    );
    return { refusal: { code, message, place: shiftBy(place, shift), offers: moved } };
  }
}

function shiftBy<Part extends { readonly from: number; readonly to: number }>(part: Part, by: number): Part {
  return { ...part, from: part.from + by, to: part.to + by };
}

function planText(text: string, operation: Operation): readonly Change[] {
  const source = readSource(text);
  const planning: Planning = { source, operation, version: versionOf(source), before: [] };
  const steps = toSteps(planning, operation);
  return planSteps(source, [...dropRepeated(planning.before), ...steps]);
}

/** Drops repeated steps: a value is copied once, however often it was looked up. */
function dropRepeated(steps: readonly Step[]): readonly Step[] {
  return [...new Map(steps.map((step) => [JSON.stringify(step), step])).values()];
}

function toSteps(planning: Planning, operation: Operation): readonly Step[] {
  switch (operation.kind) {
    case "add-state":
      return addState(planning, operation);
    case "rename":
      return rename(planning, operation);
    case "declare-event":
      return declareEvent(planning, operation.name);
    case "add-reaction":
      return addReaction(planning, operation);
    case "change-target":
      return changeTarget(planning, operation);
    case "add-condition":
      return addCondition(planning, operation);
    case "set-condition":
      return setCondition(planning, operation);
    case "set-metadata":
      return setMetadata(planning, operation);
    case "set-raise":
      return setRaise(planning, operation);
    case "order-reaction":
      return orderReaction(planning, operation);
    case "add-task":
      return addTask(planning, operation);
    case "remove-from-state":
      return removeFromState(planning, operation);
    case "set-key":
      return setKey(planning, operation);
    case "set-attempts":
      return setAttempts(planning, operation);
    case "add-timer":
      return addTimer(planning, operation);
    case "change-timer":
      return changeTimer(planning, operation);
    case "remove-timer":
      return removeTimer(planning, operation);
    case "describe":
      return describe(planning, operation);
    case "move":
      return move(planning, operation);
    case "remove":
      return remove(planning, operation);
    case "remove-reaction":
      return removeReaction(planning, operation);
    case "convert-to-block":
      return [{ kind: "to-block", path: operation.path }];
  }
}
