import { isStackyardError } from "@stackyard/core";
import type { DistributorAnswers, DistributorReply, DistributorRequest } from "@stackyard/sdk/artifacts";
import type { DistributorContext } from "../function/distributor-context.ts";
import { toCallError } from "./call-error.ts";
import { compare } from "./compare.ts";
import { parseDistributorRequest } from "./distributor-request-schema.ts";
import { listConsumers } from "./list-consumers.ts";
import { refresh } from "./refresh.ts";
import { replay } from "./replay.ts";
import { retire } from "./retire.ts";
import { listArtifacts, showArtifact, showConsumer, showCoverage } from "./show-versions.ts";

/** Answers a request. Never rejects: what goes wrong is an answer with a code. */
export async function onCall(context: DistributorContext, request: unknown): Promise<DistributorReply> {
  const parsed = parseDistributorRequest(request);
  if (parsed.kind === "faulty") return { kind: "error", code: "USAGE", message: parsed.message };
  try {
    return { kind: "answer", answer: await answer(context, parsed.request) };
  } catch (error) {
    const told = toCallError(error);
    if (isAnswer(error)) context.logger.info("a call was answered with no", { op: parsed.request.op, ...told });
    else context.logger.error("a call could not be answered", { op: parsed.request.op, error });
    return { kind: "error", ...told };
  }
}

const ANSWERS: ReadonlySet<string> = new Set(["NOT_FOUND", "OUTCOME_NEGATIVE", "USAGE"]);

/** Somebody has mistyped a name: nothing that an alarm on the log should ring for. */
function isAnswer(error: unknown): boolean {
  return isStackyardError(error) && ANSWERS.has(error.code);
}

function answer(
  context: DistributorContext,
  request: DistributorRequest,
): Promise<DistributorAnswers[keyof DistributorAnswers]> {
  switch (request.op) {
    case "list":
      return listArtifacts(context, request);
    case "show":
      return showArtifact(context, request);
    case "coverage":
      return showCoverage(context, request);
    case "replay":
      return replay(context, request);
    case "refresh":
      return refresh(context, request);
    case "retire":
      return retire(context, request);
    case "consumers":
      return listConsumers(context, request);
    case "consumer":
      return showConsumer(context, request);
    case "compare":
      return compare(context, request);
  }
}
