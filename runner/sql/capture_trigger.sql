-- Without `replace` a former form would have to be dropped, which readers would wait for.
create or replace trigger {trigger} after {event} on {relation} {filas}
for each {level} {condition} execute function traspaso.{function}()
