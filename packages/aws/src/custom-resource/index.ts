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
