export {
  type CustomResourceRequest,
  cutReason,
  isCloudFormationEvent,
  isResponseUrl,
  isWithinLimit,
  parseRequest,
  type SendDeps,
  sendResponse,
  toReason,
} from "./send-response.ts";
export {
  createInvocation,
  type Invocation,
  NEVER_MADE,
  type ServeDeps,
  type ServedResource,
  serveRequest,
} from "./serve-request.ts";
