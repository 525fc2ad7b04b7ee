/**
 * A CloudEvent 1.0 of the platform, as handlers see it. `id` is derived from the fact itself; nobody fills in a missing one.
 * `time` is RFC 3339. `queueid` is set where the event belongs to a workflow.
 */
export interface StreamEvent<Data = unknown> {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject?: string;
  readonly time: string;
  readonly dataschema?: string;
  readonly partitionkey: string;
  readonly queueid?: string;
  readonly traceparent?: string;
  readonly tracestate?: string;
  readonly sequence?: string;
  readonly data: Data;
}
