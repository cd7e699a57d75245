import type { AnnouncedMessage } from "../decide-message.ts";
import type { Receipt } from "../receipt.ts";

/** Who it is that sends. */
export interface ConsumerPlace {
  readonly account: string;
  readonly region: string;
}

/** An event for the distributor's bus. */
export interface ConsumerEvent {
  readonly detailType: "artifact.receipt" | "artifact.refresh" | "consumer.registered" | "consumer.unregistered";
  readonly detail: object;
}

/** The word on one file. */
export function toReceiptEvent(receipt: Receipt): ConsumerEvent {
  return { detailType: "artifact.receipt", detail: receipt };
}

/** Asks for a message with a new URL. */
export function toRefreshEvent({ account, region }: ConsumerPlace, message: AnnouncedMessage): ConsumerEvent {
  const { distributionId, ArtifactKey: key, artifact } = message;
  const { name, version } = artifact;
  return { detailType: "artifact.refresh", detail: { v: 1, distributionId, key, account, region, name, version } };
}

/** What a consumer can do, for `toRegisteredEvent`. */
export interface Capabilities {
  readonly transfer: "identity" | "presigned" | "auto";
  readonly retire: boolean;
}

/** Tells that the consumer is there. */
export function toRegisteredEvent(
  { account, region }: ConsumerPlace,
  bucket: string,
  capabilities: Capabilities,
): ConsumerEvent {
  const detail = { v: 1, account, region, bucket, capabilities: toCapabilities(capabilities) };
  return { detailType: "consumer.registered", detail };
}

/** Tells that it goes. */
export function toUnregisteredEvent({ account, region }: ConsumerPlace): ConsumerEvent {
  return { detailType: "consumer.unregistered", detail: { v: 1, account, region } };
}

function toCapabilities({ transfer, retire }: Capabilities): readonly string[] {
  return [
    ...["v2", "sha256", "refresh"],
    ...(transfer === "presigned" ? [] : ["identity"]),
    "multipart",
    ...(retire ? ["retire"] : []),
  ];
}
