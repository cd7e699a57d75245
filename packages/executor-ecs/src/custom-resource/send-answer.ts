import { sendResponse } from "@stackyard/aws/custom-resource";
import { silentLogger } from "@stackyard/core";
import type { EcsTaskDeps } from "./turn.ts";
import type { ClaimedWork } from "./work-store.ts";

/** Sends the answer that was noted. Sent again after a crash it is the same one, and CloudFormation takes the first. */
export async function sendAnswer(deps: EcsTaskDeps, claimed: ClaimedWork): Promise<void> {
  const { response, request } = claimed.work;
  if (response === undefined) throw new Error("There is no answer to send.");
  const { logger = silentLogger } = deps;
  await sendResponse({ ...deps, logger }, request.ResponseURL, response);
  logger.info("CloudFormation is answered.", {
    requestId: request.RequestId,
    status: response.Status,
    reason: response.Reason,
  });
  await claimed.save({ phase: "done" });
}
