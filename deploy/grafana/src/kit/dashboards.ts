import type * as cog from '@grafana/grafana-foundation-sdk/cog';
import { type AnnotationQuery, type Dashboard, DashboardBuilder, DashboardCursorSync, DashboardLinkBuilder, DashboardLinkType, RowBuilder, type VariableModel } from '@grafana/grafana-foundation-sdk/dashboard';
import { type Backend, backendTitles, dashboardUid } from './backend';
import { type PanelSpec, buildPanel } from './panels';
import { datasourceVariable } from './variables';

export interface Section {
  readonly title: string;
  readonly panels: readonly PanelSpec[];
}

export interface DashboardSpec {
  /** Last part of its uid, and its file's name. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** Those of the backends that have it. */
  readonly backends: readonly Backend[];
  /** Behind the data source's. */
  readonly variables: (backend: Backend) => readonly cog.Builder<VariableModel>[];
  readonly annotations?: (backend: Backend) => readonly cog.Builder<AnnotationQuery>[];
  readonly sections: readonly Section[];
}

/** The dashboard for one backend. */
export function buildDashboard(spec: DashboardSpec, backend: Backend): Dashboard {
  const builder = new DashboardBuilder(`kubebpfbox / ${spec.title} (${backendTitles[backend]})`)
    .uid(dashboardUid(backend, spec.name))
    .description(spec.description)
    .tags(['kubebpfbox', `kubebpfbox-${backend}`])
    .time({ from: 'now-1h', to: 'now' })
    .refresh('30s')
    .tooltip(DashboardCursorSync.Crosshair)
    .variables([datasourceVariable(backend), ...spec.variables(backend)])
    .annotations([...(spec.annotations?.(backend) ?? [])])
    .link(new DashboardLinkBuilder('kubebpfbox').type(DashboardLinkType.Dashboards).tags([`kubebpfbox-${backend}`]).keepTime(true).includeVars(true).asDropdown(false));
  let id = 1;
  for (const section of spec.sections) {
    const panels = section.panels.map((panel, index) => buildPanel(panel, backend, id + 1 + index)).filter((panel) => panel !== null);
    if (panels.length === 0) {
      continue;
    }
    builder.withRow(new RowBuilder(section.title).id(id));
    panels.forEach((panel) => builder.withPanel(panel));
    id += section.panels.length + 1;
  }
  const dashboard = builder.build();
  dropForeignDefaults(dashboard);
  return dashboard;
}

/**
 * What the SDK adds unasked: settings of interval variables in all variables, a footer in options of tables (Grafana's schema has neither), and a place in
 * a menu for what should be in sight.
 */
function dropForeignDefaults(dashboard: Dashboard): void {
  for (const variable of dashboard.templating.list ?? []) {
    delete variable.auto;
    delete variable.auto_min;
    delete variable.auto_count;
  }
  for (const shown of [...(dashboard.annotations.list ?? []), ...(dashboard.links ?? [])]) {
    delete shown.placement;
  }
  for (const panel of dashboard.panels ?? []) {
    if ('options' in panel) {
      delete panel.options.footer;
    }
  }
}
