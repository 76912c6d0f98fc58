import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Polled } from '../lib/polled';
import type { Schemas } from '../api/client';
import { type Event, eventNames, type EventMark, figures, headline, marksOf } from '../lib/events';
import { time } from '../lib/format';
import { hrefTo } from '../lib/url';
import { Dialog } from './dialog';
import { Who } from './parts';
import { leftPx, rightPx } from './plot';
import { Wire } from './wire';

const types = ['oomkill', 'tcpsynbl'] as const;
const laneNames = { oomkill: 'OOM kills', tcpsynbl: 'Full queues' } as const;
/** A mark with its count. */
const markPx = 34;

/** OOM kills and full accept queues over the range, as marks under a chart of the same width; a mark opens what happened. */
export function EventStrip({ polled, sinceS, untilS }: { polled: Polled<Schemas['Events']>; sinceS: number; untilS: number }) {
  const opened = useSignal<Event[] | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const widthPx = useSignal(600);
  useEffect(() => {
    const observer = new ResizeObserver(() => { widthPx.value = box.current?.clientWidth ?? 600; });
    if (box.current) {
      observer.observe(box.current);
    }
    return () => { observer.disconnect(); };
  }, []);
  const places = Math.max(4, Math.floor((widthPx.value - leftPx - rightPx) / markPx));
  const marks = marksOf(polled.data?.events ?? [], sinceS, untilS, places);
  return (
    <div ref={box} class="events">
      {types.filter((type) => marks.some((mark) => mark.type === type)).map((type) => (
        <div key={type} class="events-lane">
          <div class="events-name muted">{laneNames[type]}</div>
          <div class="events-line" style={{ marginLeft: `${leftPx}px`, marginRight: `${rightPx}px` }}>
            {marks.filter((mark) => mark.type === type).map((mark) => (
              <MarkButton key={mark.events[mark.events.length - 1]?.time ?? ''} mark={mark} onOpen={() => { opened.value = mark.events; }} />
            ))}
          </div>
        </div>
      ))}
      {marks.length === 0 && (
        <p class="muted events-none" style={{ marginLeft: `${leftPx}px` }}>
          {polled.error?.status === 404 ? `OOM kills and full accept queues are not kept: ${polled.error.message}` : polled.data ? 'No OOM kill and no full accept queue in this range' : ''}
        </p>
      )}
      {opened.value && <EventsDialog events={opened.value} onClose={() => { opened.value = null; }} />}
    </div>
  );
}

function MarkButton({ mark, onOpen }: { mark: EventMark; onOpen: () => void }) {
  const first = mark.events[0];
  const many = mark.events.length;
  return (
    <button
      type="button"
      class="event-mark"
      style={{ left: `${(mark.at * 100).toFixed(2)}%` }}
      aria-haspopup="dialog"
      title={first ? `${time(first.time)}: ${headline(first)}` : ''}
      aria-label={`${eventNames[mark.type]}${many > 1 ? ` ×${many}` : ''}${first ? `, ${first.workload.workload}, ${time(first.time)}` : ''}`}
      onClick={onOpen}
    >
      <EventIcon type={mark.type} />
      {many > 1 && <span class="num">{many}</span>}
    </button>
  );
}

/** A square for a kill, a triangle for a queue: told apart by shape and by text, not by colour. */
export function EventIcon({ type }: { type: Event['event'] }) {
  return (
    <svg class={`event-icon ${type}`} viewBox="0 0 12 12" aria-hidden="true">
      <path d={type === 'oomkill' ? 'M1.500 1.500h9v9h-9z' : 'M6 1L11.500 10.500H0.500z'} />
    </svg>
  );
}

function EventsDialog({ events, onClose }: { events: Event[]; onClose: () => void }) {
  return (
    <Dialog title={events.length === 1 ? eventNames[events[0]?.event ?? 'oomkill'] : `${events.length} events`} onClose={onClose}>
      <EventList events={events} onFollow={onClose} />
    </Dialog>
  );
}

/** Events with all that is known of them. */
export function EventList({ events, onFollow }: { events: readonly Event[]; onFollow?: () => void }) {
  return (
    <ol class="event-list">
      {events.map((event) => (
        <li key={event.time + event.workload.workload}>
          <div class="row">
            <EventIcon type={event.event} />
            <strong>{eventNames[event.event]}</strong>
            <a href={workloadHref(event.workload)} {...(onFollow ? { onClick: onFollow } : {})}><Who one={event.workload} /></a>
            <time class="muted num" dateTime={event.time}>{time(event.time)}</time>
          </div>
          <p><Wire text={headline(event)} />.</p>
          <dl class="figures">
            {event.workload.pod !== undefined && <><dt>Pod</dt><dd class="mono break">{event.workload.pod}</dd></>}
            {figures(event).map(([name, value]) => (
              <>
                <dt>{name}</dt>
                <dd class="mono break"><Wire text={value} /></dd>
              </>
            ))}
          </dl>
        </li>
      ))}
    </ol>
  );
}

/** The page of a workload. */
export function workloadHref(one: Schemas['WorkloadRef'], role?: string): string {
  return hrefTo('/workload', { workload: one.workload, namespace: one.namespace, kind: one.kind, role: role === 'client' ? role : null });
}
