export { type CustomResourceRequest, isCloudFormationEvent, parseRequest } from "./custom-resource-request.ts";
export { cutReason, isWithinLimit, toReason } from "./fit-response.ts";
export { isResponseUrl } from "./response-host.ts";
export { type SendDeps, sendResponse } from "./send-response.ts";
