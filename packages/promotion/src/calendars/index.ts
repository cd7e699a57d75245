export { type Calendar, type CalendarZone, isZoneName, type ParsedCalendar, parseCalendar } from "./calendar.ts";
export { type CalendarHours, evaluateHours } from "./calendar-hours.ts";
export { listOpenSpans, type OpenSpan } from "./open-spans.ts";
