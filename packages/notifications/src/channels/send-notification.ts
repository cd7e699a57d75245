import type { Notification } from "../notification.ts";
import type { Channel } from "../notifications-document.ts";
import { sendEmail, toMail } from "./email.ts";
import { sendPagerDuty, toPagerDutyEvent } from "./pagerduty.ts";
import type { NamedChannel, SendDeps, Sent } from "./send.ts";
import { toFailed } from "./send.ts";
import { sendSlack, toSlackMessage } from "./slack.ts";
import { sendSlackApp } from "./slack-app.ts";
import { sendTeams, toTeamsMessage } from "./teams.ts";
import { sendWebhook, toWebhookBody } from "./webhook.ts";

/** Sends a notification on a channel of any type. Never throws. */
export async function sendNotification(deps: SendDeps, channel: NamedChannel, sent: Notification): Promise<Sent> {
  try {
    return await sendByType(deps, channel, sent);
  } catch (error) {
    return toFailed(error);
  }
}

async function sendByType(deps: SendDeps, { name, options }: NamedChannel, sent: Notification): Promise<Sent> {
  switch (options.type) {
    case "webhook":
      return sendWebhook(deps, { name, options }, sent);
    case "slack":
      return sendSlack(deps, { name, options }, sent);
    case "slack-app":
      return sendSlackApp(deps, { name, options }, sent);
    case "teams":
      return sendTeams(deps, { name, options }, sent);
    case "email":
      return sendEmail(deps, { name, options }, sent);
    case "pagerduty":
      return sendPagerDuty(deps, { name, options }, sent);
  }
}

/** Returns what a channel would send, without secrets and signatures. */
export function renderNotification(options: Channel, notification: Notification): unknown {
  switch (options.type) {
    case "webhook":
      return JSON.parse(toWebhookBody(notification));
    case "slack":
    case "slack-app":
      return toSlackMessage(notification);
    case "teams":
      return JSON.parse(toTeamsMessage(notification));
    case "email":
      return toMail(notification);
    case "pagerduty":
      return toPagerDutyEvent(notification, options.severity);
  }
}
