import { type Given, mapGiven, toValue } from "../given.ts";
import { useQueueKey } from "../policies/common-permissions.ts";
import { type BucketPrefix, claimMessages, toPrefix } from "../policies/s3-permissions.ts";
import type { Permission } from "../policies/statement.ts";
import { toStoreEnvironment, toStorePermission } from "../store/yard-store.ts";
import { DEFAULT_YARD, type StoreChoices, type YardSettings } from "./yard-settings.ts";

/** Variables of an app; a condition of the template may leave one out. */
export type Variables = Readonly<Record<string, Given<string> | undefined>>;

/** Returns the variables that both apps share. */
export function toYardEnvironment(settings: YardSettings, stores: StoreChoices): Variables {
  const { yardName = DEFAULT_YARD, messages, runnersHaveStore = true, logLevel, otlpEndpoint } = settings;
  return {
    YARD_NAME: yardName,
    RUNNERS_HAVE_STORE: String(runnersHaveStore),
    LOG_LEVEL: logLevel,
    OTEL_EXPORTER_OTLP_ENDPOINT: otlpEndpoint,
    ...toMessageEnvironment(messages),
    ...toChoiceEnvironment(stores),
  };
}

/** Returns the permissions that both apps share: for the store, for large messages, and for the key of the queues. */
export function toYardPermissions(settings: YardSettings, stores: StoreChoices): readonly Given<Permission>[] {
  const { messages, queueKeyArn } = settings;
  return [
    ...stores.map((choice) => mapGiven(choice, toStorePermission)),
    ...(messages === undefined ? [] : [mapGiven(messages, claimMessages)]),
    ...(queueKeyArn === undefined ? [] : [mapGiven(queueKeyArn, useQueueKey)]),
  ];
}

function toMessageEnvironment(messages: Given<BucketPrefix> | undefined): Variables {
  if (messages === undefined) return {};
  return {
    MESSAGE_BUCKET: mapGiven(messages, ({ bucket }) => bucket),
    MESSAGE_PREFIX: mapGiven(messages, toPrefix),
  };
}

function toChoiceEnvironment(stores: StoreChoices): Variables {
  const choices = stores.flatMap((choice) => {
    const names = Object.keys(toStoreEnvironment(toValue(choice)));
    return names.map((name) => [name, mapGiven(choice, (store) => toStoreEnvironment(store)[name] ?? "")] as const);
  });
  return Object.fromEntries(choices);
}
