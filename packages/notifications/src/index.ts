import { definePlugin } from "@stackyard/core";
import { findAddresses } from "./find-addresses.ts";
import { createNotificationsService, NotificationsOptions } from "./notifications-service.ts";
import { notifyTest } from "./notify-test.ts";

export { Channel } from "./channels/channels.ts";
export type { Notification } from "./notification.ts";
export { NotificationsDocument } from "./notifications-document.ts";
export { NotificationsOptions } from "./notifications-service.ts";
export { type Notifications, parseNotifications } from "./parse-notifications.ts";

/** The plugin of notifications: the service that sends them, and the command that tries them. */
export default definePlugin({
  name: "notifications",
  options: NotificationsOptions,
  executors: [],
  commands: [notifyTest],
  services: (options, context) => [createNotificationsService(options, context)],
  addresses: findAddresses,
});
