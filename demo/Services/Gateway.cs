namespace KubeBpfBox.Demo.Services;

/// <summary>The gateway is nginx: in front of all, with some files of its own.</summary>
internal static class Gateway
{
    /// <summary>Writes its configuration and its files.</summary>
    /// <param name="folder">Where it may write.</param>
    /// <returns>The path of the configuration.</returns>
    public static string Configure(string folder)
    {
        string files = Directory.CreateDirectory(Path.Combine(folder, "static")).FullName;
        File.WriteAllText(Path.Combine(files, "app.js"), string.Concat(Enumerable.Repeat("document.title = 'Lamps';\n", 900)));
        string path = Path.Combine(folder, "nginx.conf");
        File.WriteAllText(path, Configuration(folder));
        return path;
    }

    private static string Upstream(string name, string host) =>
        $"upstream {name} {{ {string.Concat(Shop.AddressesOf(host).Select(static address => $"server {address}:{ShopWorkload.Port}; "))}keepalive 32; }}";

    private static string Configuration(string folder) => $$"""
        daemon off;
        worker_processes 1;
        pid {{folder}}/nginx.pid;
        error_log {{folder}}/error.log crit;
        events { worker_connections 1024; }
        http {
          access_log off;
          gzip on;
          gzip_types application/javascript application/json;
          types { application/javascript js; }
          keepalive_timeout 30s;
          if_modified_since before;
          client_body_temp_path {{folder}}/body;
          proxy_temp_path {{folder}}/proxy;
          fastcgi_temp_path {{folder}}/fastcgi;
          uwsgi_temp_path {{folder}}/uwsgi;
          scgi_temp_path {{folder}}/scgi;
          proxy_http_version 1.1;
          proxy_set_header Connection "";
          proxy_set_header Host $host;
          proxy_next_upstream off;
          {{Upstream("frontend", "frontend.shop")}}
          {{Upstream("thumbnails", "thumbnails.media")}}
          server {
            listen {{ShopWorkload.Port}};
            location = /shop { return 301 /; }
            location /static/ { root {{folder}}; }
            location /images/ { proxy_pass http://thumbnails; proxy_read_timeout 5s; }
            location / { proxy_pass http://frontend; proxy_read_timeout 5s; }
          }
        }
        """;
}
