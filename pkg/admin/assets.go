package admin

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/catalogue"
)

type assetsInput struct {
	Cursor string `query:"cursor" doc:"next of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

type assetInput struct {
	ID string `path:"id" doc:"base id; digits are an integer, or in double quotes a string"`
}

// importInput is a request with lines of assets.
type importInput struct {
	AsOf   time.Time `query:"asOf" doc:"when what says no time of its own was read from the DAM; default now"`
	stream streamInput
}

var _ huma.Resolver = (*importInput)(nil)

// Resolve takes the body as a stream.
func (in *importInput) Resolve(ctx huma.Context) []error { return in.stream.Resolve(ctx) }

func (s *Server) assetRoutes(r *router) {
	tags := []string{"assets"}
	handle(r, huma.Operation{
		OperationID: "list-assets", Method: http.MethodGet, Path: "/assets", Tags: tags,
		Summary: "What is known of assets, by id, without their data",
	}, s.listAssets)
	handle(r, huma.Operation{
		OperationID: "get-asset", Method: http.MethodGet, Path: "/assets/{id}", Tags: tags,
		Summary: "What is known of an asset, with its data",
	}, func(ctx context.Context, in *assetInput) (api.Asset, error) {
		return s.service.GetAsset(ctx, in.ID)
	})
	take := huma.Operation{
		OperationID: "import-assets", Method: http.MethodPost, Path: "/assets", Tags: tags,
		Summary: "Make assets known to the daemon",
		Description: "One JSON object a line: an asset that names its id (assetId, baseId, id, itemId, general.GID or " +
			"general.ID), or an event with a snapshot. What can't be read is rejected by itself; the rest is durable " +
			"once this answers. What is known of a later time stays.",
	}
	handle(r, take, s.importAssets)
	r.describeBody(take, map[string]*huma.MediaType{typeNDJSON: {Schema: &huma.Schema{Type: huma.TypeString}}})
}

func (s *Server) listAssets(ctx context.Context, in *assetsInput) (api.AssetPage, error) {
	page, err := s.service.ListAssets(ctx, api.Page{Cursor: in.Cursor, Limit: in.Limit})
	page.Assets = orEmpty(page.Assets)
	return page, err
}

func (s *Server) importAssets(ctx context.Context, in *importInput) (api.ImportResult, error) {
	i := &importation{
		ctx: ctx, assets: s.service, now: time.Now(), asOf: in.AsOf,
		result: api.ImportResult{Rejected: []api.RejectedLine{}},
	}
	if i.asOf.IsZero() {
		i.asOf = i.now
	}
	switch in.stream.mediaType {
	case typeNDJSON, typeNDJSONToo, typeJSONL:
	default:
		return i.result, &problem{http.StatusUnsupportedMediaType, invalid(
			"send application/x-ndjson", "assets of the content type that was sent can't be read")}
	}
	err := eachLine(in.stream.body, i.take)
	if err == nil {
		err = i.flush()
	}
	return i.result, explainStream(err, "import assets", i.progress())
}

// importation hands assets on in parts while they are read.
type importation struct {
	ctx       context.Context //nolint:containedctx // lives as long as the one request that it belongs to
	assets    Assets
	now, asOf time.Time
	result    api.ImportResult

	// The part that is being gathered.
	part  []catalogue.Asset
	bytes int
}

// take adds a line to the part. Lines of nothing but white space are no assets
// and no mistakes.
func (i *importation) take(line []byte, offset, _ int64) error {
	i.result.Lines++
	if line = trimLine(line, offset); isBlank(line) {
		return nil
	}
	asset, told, err := catalogue.Decode(line, i.asOf, i.now)
	switch {
	case err != nil:
		i.result.RejectedCount++
		if len(i.result.Rejected) < api.MaxImportRejected {
			i.result.Rejected = append(i.result.Rejected, api.RejectedLine{Line: i.result.Lines, Reason: err.Error()})
		}
		return nil
	case !told:
		i.result.Skipped++
		return nil
	}
	i.part = append(i.part, asset)
	i.bytes += len(line)
	if len(i.part) >= maxPartLines || i.bytes >= maxPartBytes {
		return i.flush()
	}
	return nil
}

// flush hands the part on and counts it.
func (i *importation) flush() error {
	if len(i.part) == 0 {
		return nil
	}
	older, err := i.assets.ImportAssets(i.ctx, i.part)
	if err != nil {
		return err
	}
	i.result.Imported += len(i.part) - older
	i.result.Older += older
	i.part, i.bytes = i.part[:0], 0
	return nil
}

func (i *importation) progress() string {
	return fmt.Sprintf("the first %d assets of the request were imported", i.result.Imported+i.result.Older)
}
